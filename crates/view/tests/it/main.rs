//! The server as a client sees it.

mod browser;
mod by_hand;
mod chromium;
mod hostile;
mod live;
mod odd;
mod pages;
mod support;
mod troubles;
mod who;

//! The server as a client sees it.

mod browser;
mod chromium;
mod hostile;
mod live;
mod odd;
mod pages;
mod support;
mod troubles;
mod who;

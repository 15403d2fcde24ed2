//! The server as a client sees it.

mod browser;
mod chromium;
mod hostile;
mod live;
mod pages;
mod support;
mod troubles;
mod who;

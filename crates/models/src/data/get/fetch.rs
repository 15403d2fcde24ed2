//! One file over HTTP, continued where it stopped.

use super::{Archive, GetError, GetProgress};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

/// Connections for one file, as long as each brings it further.
const ATTEMPTS: u32 = 4;
/// Before the next one, times its number.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest silence of a server.
const SILENCE: Duration = Duration::from_secs(60);

/// Asks servers.
pub(super) struct Client(Agent);

/// The rest of a file: where it starts, and how long the whole is.
struct Rest {
    body: Body,
    start: u64,
    total: Option<u64>,
}

/// A server's answer to a request that starts somewhere.
enum Answer {
    Rest(Rest),
    /// Nothing is left to send.
    Complete,
    /// The part does not fit the server's file.
    StartOver,
}

impl Client {
    pub(super) fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("landscape/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        Client(config.build().into())
    }

    /// Completes the file `part` from an address; gives the bytes that came.
    pub(super) fn download(
        &self,
        archive: &Archive,
        part: &Path,
        address: &str,
        observe: &mut dyn FnMut(GetProgress<'_>),
    ) -> Result<u64, GetError> {
        let there = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        let mut transfer = Transfer {
            archive,
            part,
            address,
            resumed: there(part),
            came: 0,
            observe,
        };
        let mut attempt = 0;
        loop {
            let start = there(part);
            attempt += 1;
            match self.attempt(&mut transfer, start) {
                Ok(true) => return Ok(transfer.came),
                // The server's file is another one: once more, from the beginning.
                Ok(false) if attempt < ATTEMPTS => {}
                Ok(false) => return Err(transfer.broken("the server contradicts itself")),
                Err(GetError::Connection { done, .. }) if done > start && attempt < ATTEMPTS => {
                    std::thread::sleep(PAUSE * attempt);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One connection; `false` when the part was discarded.
    fn attempt(&self, transfer: &mut Transfer<'_>, start: u64) -> Result<bool, GetError> {
        match self.ask(transfer, start)? {
            Answer::Complete => Ok(true),
            Answer::StartOver => {
                let failed = |e| GetError::io("remove", transfer.part, e);
                fs::remove_file(transfer.part).map_err(failed)?;
                Ok(false)
            }
            Answer::Rest(rest) => transfer.receive(rest).map(|()| true),
        }
    }

    fn ask(&self, transfer: &Transfer<'_>, start: u64) -> Result<Answer, GetError> {
        let mut request = self.0.get(transfer.address);
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        let response = request.call().map_err(|error| match error {
            ureq::Error::BadUri(reason) => transfer.no_address(reason),
            ureq::Error::Http(error) => transfer.no_address(error.to_string()),
            error => transfer.broken(error),
        })?;
        transfer.answer(response, start)
    }
}

/// One file on its way.
struct Transfer<'a> {
    archive: &'a Archive,
    part: &'a Path,
    address: &'a str,
    /// Bytes that earlier calls brought.
    resumed: u64,
    /// Bytes that came over the net.
    came: u64,
    observe: &'a mut dyn FnMut(GetProgress<'_>),
}

impl Transfer<'_> {
    fn no_address(&self, reason: String) -> GetError {
        GetError::Address {
            url: self.address.to_owned(),
            reason,
        }
    }

    fn broken(&self, reason: impl std::fmt::Display) -> GetError {
        GetError::Connection {
            url: self.address.to_owned(),
            reason: reason.to_string(),
            done: fs::metadata(self.part).map_or(0, |found| found.len()),
        }
    }

    /// What a response means, to a request for the bytes from `start` on.
    fn answer(&self, response: Response<Body>, start: u64) -> Result<Answer, GetError> {
        let (first, total) = content_range(response.headers());
        match response.status().as_u16() {
            // A server without ranges sends the whole file.
            200 => Ok(Answer::Rest(Rest {
                total: response.body().content_length(),
                body: response.into_body(),
                start: 0,
            })),
            206 if first == Some(start) => Ok(Answer::Rest(Rest {
                body: response.into_body(),
                start,
                total,
            })),
            206 => Ok(Answer::StartOver),
            // The range is beyond the file.
            416 if start > 0 && total == Some(start) => Ok(Answer::Complete),
            416 if start > 0 => Ok(Answer::StartOver),
            status => Err(GetError::Status {
                url: self.address.to_owned(),
                status,
            }),
        }
    }

    /// Writes what comes.
    fn receive(&mut self, rest: Rest) -> Result<(), GetError> {
        let mut file = self.open(rest.start)?;
        let mut reader = rest.body.into_reader();
        let (mut done, limit) = (rest.start, self.archive.limit());
        let resumed = self.resumed.min(rest.start);
        let mut buffer = vec![0; 1 << 16];
        loop {
            (self.observe)(GetProgress {
                archive: &self.archive.name,
                done,
                total: rest.total,
                resumed,
            });
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(error)),
            };
            if count == 0 {
                break;
            }
            let failed = |e| GetError::io("write", self.part, e);
            file.write_all(&buffer[..count]).map_err(failed)?;
            done += count as u64;
            self.came += count as u64;
            if done > limit {
                return Err(self.too_long(limit));
            }
        }
        match rest.total {
            Some(total) if total != done => Err(self.broken("the connection ended")),
            _ => Ok(()),
        }
    }

    /// The part's file, and its folder: nothing is made before a server has answered.
    fn open(&self, start: u64) -> Result<File, GetError> {
        if let Some(folder) = self.part.parent() {
            fs::create_dir_all(folder).map_err(|e| GetError::io("create", folder, e))?;
        }
        let mut options = OpenOptions::new();
        match start {
            0 => options.write(true).create(true).truncate(true),
            _ => options.append(true),
        };
        let file = options.open(self.part);
        file.map_err(|e| GetError::io("write", self.part, e))
    }

    fn too_long(&self, limit: u64) -> GetError {
        // The first error is the one to report.
        let _ = fs::remove_file(self.part);
        GetError::TooLong {
            url: self.address.to_owned(),
            archive: self.archive.name.clone(),
            limit,
        }
    }
}

/// First byte and length of the whole in `bytes 100-199/200` or `bytes */200`.
fn content_range(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let value = headers.get("content-range").and_then(|v| v.to_str().ok());
    let range = value.and_then(|v| v.trim().strip_prefix("bytes")?.trim().split_once('/'));
    let Some((range, total)) = range else {
        return (None, None);
    };
    let first = range
        .split_once('-')
        .and_then(|(first, _)| first.parse().ok());
    (first, total.parse().ok())
}

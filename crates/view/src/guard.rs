//! Who may ask: whoever knows the token, under this machine's own name, from no page but the server's own.
//!
//! The port is open to every program and every user of the machine, and to every page that a browser shows. The token
//! keeps out programs and users; `Host` pages whose name was made to lead here (DNS rebinding); `Origin` and the
//! cookie's `SameSite` pages of others.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// What the browser may do with an answer, as the pages themselves say.
const POLICY: &str = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Bytes of a token.
const LENGTH: usize = 24;

#[derive(Debug)]
pub struct Guard {
    token: String,
    port: u16,
}

/// How a request showed that it may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// With the token in its address: from now on a cookie does it.
    Address,
    Cookie,
}

/// Why a request is refused.
pub type Refusal = (StatusCode, &'static str);

impl Guard {
    /// One with a new token.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn new(port: u16) -> Result<Self, getrandom::Error> {
        let mut bytes = [0u8; LENGTH];
        getrandom::fill(&mut bytes)?;
        let token = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Guard { token, port })
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether a request may ask.
    ///
    /// # Errors
    /// What is wrong with it, and how that is answered.
    pub fn admit(&self, method: &Method, query: &str, head: &HeaderMap) -> Result<Shown, Refusal> {
        if ![Method::GET, Method::HEAD].contains(method) {
            return Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "nothing can be changed here\n",
            ));
        }
        let text = |name| {
            head.get(name)
                .map(|value: &HeaderValue| value.to_str().unwrap_or(""))
        };
        if !text(header::HOST).is_some_and(|host| self.is_own(host)) {
            return Err((StatusCode::FORBIDDEN, "this server has another name\n"));
        }
        let own = |origin: &str| {
            origin
                .strip_prefix("http://")
                .is_some_and(|host| self.is_own(host))
        };
        if !text(header::ORIGIN).is_none_or(own) {
            return Err((StatusCode::FORBIDDEN, "pages of others may not ask\n"));
        }
        let given = parameter(query, "token");
        let shown = match &given {
            Some(token) if self.is_token(token) => Some(Shown::Address),
            None if self.has_cookie(head) => Some(Shown::Cookie),
            _ => None,
        };
        shown.ok_or((
            StatusCode::FORBIDDEN,
            "this address needs its token: open the address that was printed when the server started\n",
        ))
    }

    fn is_own(&self, host: &str) -> bool {
        let port = host
            .strip_prefix("127.0.0.1")
            .or_else(|| host.strip_prefix("localhost"));
        port.is_some_and(|port| match port.strip_prefix(':') {
            Some(port) => port == self.port.to_string(),
            None => port.is_empty() && self.port == 80,
        })
    }

    /// Compares in a time that says nothing of where two tokens differ.
    fn is_token(&self, given: &str) -> bool {
        let differ = given
            .bytes()
            .zip(self.token.bytes())
            .fold(0, |all, (a, b)| all | (a ^ b));
        given.len() == self.token.len() && differ == 0
    }

    fn has_cookie(&self, head: &HeaderMap) -> bool {
        let lines = head.get_all(header::COOKIE).into_iter();
        let mut cookies = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let name = self.cookie_name();
        cookies.any(|cookie| match cookie.trim().split_once('=') {
            Some((own, token)) => own == name && self.is_token(token),
            None => false,
        })
    }

    /// Cookies are those of a machine, not of a port.
    fn cookie_name(&self) -> String {
        format!("landscape-{}", self.port)
    }

    /// The cookie that takes the place of the token in addresses.
    pub fn cookie(&self) -> String {
        format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict",
            self.cookie_name(),
            self.token
        )
    }
}

/// The first value of a name in the query of an address.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let mut all = form_urlencoded::parse(query.as_bytes());
    all.find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Says in the head of an answer what a browser may do with it: show it, keep it nowhere, and tell nobody its address.
pub fn seal(head: &mut HeaderMap) {
    let all = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in all {
        head.insert(name, HeaderValue::from_static(value));
    }
    for name in ["cross-origin-resource-policy", "cross-origin-opener-policy"] {
        head.insert(name, HeaderValue::from_static("same-origin"));
    }
}

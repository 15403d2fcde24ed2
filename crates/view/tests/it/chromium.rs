//! A browser that does what it is told: Chromium without a window, over its debugging pipe.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a page may take to become what is wanted.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked.
const ASK: Duration = Duration::from_millis(50);

/// Options of a browser for tests.
const OPTIONS: &str = "--headless --no-sandbox --disable-gpu --enable-unsafe-swiftshader --no-first-run \
                       --disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe";

pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    count: u64,
    /// What the pages complained of.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// A browser with an empty page; nothing, with a word about it, where Chromium is not installed.
    pub fn open() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let found = { names.iter() }.find(|n| Command::new(n).arg("--version").output().is_ok());
        let Some(name) = found else {
            eprintln!("skipped: no page is opened in a browser, because Chromium is not installed");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // Chromium is told on descriptor 3, and answers on 4.
        let line = format!(
            "exec {name} {OPTIONS} --user-data-dir='{}' about:blank 3<&0 4>&1 0</dev/null 1>/dev/null",
            profile.path().display()
        );
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Browser {
            to: child.stdin.take().unwrap(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
            session: None,
            count: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let page = browser.ask("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let session = browser.ask("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        browser.ask("Runtime.enable", json!({}));
        browser.ask("Page.enable", json!({}));
        Some(browser)
    }

    /// Calls a method of the browser.
    pub fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.count += 1;
        let mut call = json!({"id": self.count, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        write!(self.to, "{call}\0").unwrap();
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).unwrap();
            let told: Value = serde_json::from_slice(bytes.strip_suffix(&[0]).unwrap()).unwrap();
            match told["method"].as_str() {
                Some("Runtime.exceptionThrown") => self.complaints.push(told["params"].to_string()),
                Some("Runtime.consoleAPICalled") if told["params"]["type"] == "error" => {
                    self.complaints.push(told["params"]["args"].to_string());
                }
                _ => {}
            }
            if told["id"] == self.count {
                assert!(told["error"].is_null(), "{method}: {told}");
                return told["result"].clone();
            }
        }
    }

    pub fn go(&mut self, address: &str) {
        self.ask("Page.navigate", json!({"url": address}));
    }

    /// The value of an expression in the page; nothing where it fails, as while the page loads.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        self.ask("Runtime.evaluate", asked)["result"]["value"].clone()
    }

    /// Waits until an expression has a value.
    #[track_caller]
    pub fn until(&mut self, expression: &str, wanted: impl Into<Value>) {
        let (begun, wanted) = (Instant::now(), wanted.into());
        loop {
            let found = self.value(expression);
            if found == wanted {
                return;
            }
            let late = begun.elapsed() > PATIENCE;
            assert!(
                !late,
                "{expression}: {found}, not {wanted}; {:?}",
                self.complaints
            );
            std::thread::sleep(ASK);
        }
    }

    /// A window of a size, light or dark.
    pub fn window(&mut self, width: u32, height: u32, dark: bool) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", media);
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({"type": kind, "key": key, "text": text});
            self.ask("Input.dispatchKeyEvent", event);
        }
    }

    /// Moves the pointer to a place of the window.
    pub fn point(&mut self, (x, y): (f64, f64)) {
        let event = json!({"type": "mouseMoved", "x": x, "y": y});
        self.ask("Input.dispatchMouseEvent", event);
    }

    /// Drags the pointer from one place of the window to another.
    pub fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        let steps = [
            ("mousePressed", from),
            ("mouseMoved", middle),
            ("mouseMoved", to),
            ("mouseReleased", to),
        ];
        for (kind, (x, y)) in steps {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", event);
        }
    }

    /// Keeps a picture of the page, where a folder for pictures is named in the environment.
    pub fn shoot(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("LANDSCAPE_VIEW_SHOTS") {
            let shot = self.ask("Page.captureScreenshot", json!({"format": "png"}));
            let file = std::path::Path::new(&folder).join(format!("{name}.png"));
            let picture = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
            std::fs::write(file, picture).unwrap();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A real browser, and somebody who uses it: Debian's chromium, driven by its
//! chromedriver.

use std::{
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, error::CmdError, wd::WindowHandle};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    Output, Server,
    processes::{self, MARK},
    tools, wait,
};

/// A browser that nobody has used before, with one tab, and with nothing in common
/// with any other.
///
/// Whatever it is asked for it does as soon as that is possible: it waits for a link
/// to be there, and then clicks on it.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Child,
    mark: String,
    site: String,
    /// Its profile, and all else that it writes.
    _folder: TempDir,
}

/// One of several tabs of a browser.
#[derive(Debug)]
pub struct Tab(WindowHandle);

/// How often a driver is started that does not stay.
const TRIES: usize = 5;

/// Starts a driver, and finds out its port. It takes a free one of IPv6, and then the same
/// one of IPv4; if somebody has that, it ends, and another one is started.
async fn start_driver(folder: &Path, mark: &str) -> (Child, String) {
    for _ in 0..TRIES {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env(MARK, mark)
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let output = Output::new();
        output.collect(driver.stdout.take().expect("piped"));
        tokio::select! {
            port = output.line_after("ChromeDriver was started successfully on port ") => {
                return (driver, port);
            }
            _ = driver.wait() => {}
        }
    }
    panic!("chromedriver ended {TRIES} times before it had a port");
}

impl Browser {
    /// One that is about to visit `server`.
    ///
    /// # Panics
    ///
    /// If there is no browser, or if it does not start.
    pub async fn open(server: &Server) -> Self {
        Self::open_with(server, &json!({})).await
    }

    /// The same, with JavaScript turned off in its settings.
    ///
    /// # Panics
    ///
    /// If there is no browser, or if it does not start.
    pub async fn open_without_javascript(server: &Server) -> Self {
        let blocked = 2;
        let preferences = json!({ "profile.managed_default_content_settings.javascript": blocked });
        Self::open_with(server, &preferences).await
    }

    async fn open_with(server: &Server, preferences: &Value) -> Self {
        tools::require("chromedriver");
        tools::require("chromium");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mark = processes::new_mark();
        let (driver, port) = start_driver(folder.path(), &mark).await;
        let webdriver = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
        let options = json!({
            "binary": "/usr/bin/chromium",
            "prefs": preferences,
            "args": [
                "--headless",
                // Its sandbox does not work for root.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                // It is to talk to the server under test, and to nobody else.
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-quic",
                "--disable-sync",
                "--no-first-run",
                "--no-proxy-server",
                "--window-size=1200,900",
                format!("--user-data-dir={}", folder.path().join("profile").display()),
                // Then it goes when its driver goes, whatever the reason.
                "--remote-debugging-pipe",
            ],
        });
        let mut capabilities = Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = wait::bounded("a browser", builder.connect(&webdriver)).await;
        Self {
            client: client.expect("a browser starts"),
            driver,
            mark,
            site: format!("http://{}", server.address()),
            _folder: folder,
        }
    }

    /// Types an address of the server, and waits until that page is loaded.
    ///
    /// # Panics
    ///
    /// If it cannot be loaded.
    pub async fn visit(&self, path: &str) {
        let url = format!("{}{path}", self.site);
        let going = self.client.goto(&url);
        wait::bounded(path, going).await.expect("the page loads");
    }

    /// Clicks on the link that is called so.
    ///
    /// # Panics
    ///
    /// If there is no such link to be seen.
    pub async fn follow(&self, link: &str) {
        self.click("a", link).await;
    }

    /// Clicks on the button that is called so.
    ///
    /// # Panics
    ///
    /// If there is no such button to be seen.
    pub async fn press(&self, button: &str) {
        self.click("button", button).await;
    }

    async fn click(&self, element: &str, name: &str) {
        let path = format!("//{element}[normalize-space()='{name}']");
        self.until(&format!("a {element} `{name}`"), async || {
            self.client.find(Locator::XPath(&path)).await?.click().await
        })
        .await;
    }

    /// Types `text` into the field of this name.
    ///
    /// # Panics
    ///
    /// If there is no such field to be seen.
    pub async fn fill(&self, field: &str, text: &str) {
        let selector = format!("[name={field}]");
        self.until(&format!("a field `{field}`"), async || {
            let field = self.client.find(Locator::Css(&selector)).await?;
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    /// Waits until `text` is to be seen in the element that `selector` selects.
    ///
    /// # Panics
    ///
    /// If it does not come to be seen.
    pub async fn shows(&self, selector: &str, text: &str) {
        wait::until(&format!("`{text}` in `{selector}`"), async || {
            self.text(selector).await?.contains(text).then_some(())
        })
        .await;
    }

    /// What is to be seen in the element that `selector` selects, if it is there.
    pub async fn text(&self, selector: &str) -> Option<String> {
        let element = self.client.find(Locator::Css(selector)).await.ok()?;
        element.text().await.ok()
    }

    /// All of the page, also what is not to be seen.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn source(&self) -> String {
        self.client.source().await.expect("a page")
    }

    /// What is in the address bar, behind the server's name.
    ///
    /// # Panics
    ///
    /// If that is another server.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("an address");
        let path = url.as_str().strip_prefix(&self.site);
        path.unwrap_or_else(|| panic!("{url}")).to_owned()
    }

    /// What a script in the page returns.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn run(&self, script: &str) -> Value {
        let done = self.client.execute(script, Vec::new()).await;
        done.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Presses Back.
    ///
    /// # Panics
    ///
    /// If that is not possible.
    pub async fn back(&self) {
        let back = self.client.back();
        wait::bounded("the page before", back)
            .await
            .expect("a page before");
    }

    /// Opens another tab, to which all goes from now on, and gives the one before.
    ///
    /// # Panics
    ///
    /// If that is not possible.
    pub async fn open_tab(&self) -> Tab {
        let before = self.client.window().await.expect("a tab");
        let new = self.client.new_window(true).await.expect("another tab");
        self.to_tab(Tab(new.handle)).await;
        Tab(before)
    }

    /// Lets all go to this tab from now on.
    ///
    /// # Panics
    ///
    /// If it is closed.
    pub async fn to_tab(&self, tab: Tab) {
        let switched = self.client.switch_to_window(tab.0).await;
        switched.expect("the tab is open");
    }

    /// Does what may not be possible yet.
    async fn until(&self, what: &str, mut act: impl AsyncFnMut() -> Result<(), CmdError>) {
        wait::bounded(what, async {
            // In between, the page may have changed under our hands.
            while act().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Not `quit`, which may take as long as it likes: nothing in it is worth
        // anything.
        let _ = self.driver.start_kill();
        // Before its folder goes, nobody is to write into it any more.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !processes::marked(self.mark.as_ref()).is_empty() && Instant::now() < deadline {
            let _ = self.driver.try_wait();
            thread::sleep(Duration::from_millis(10));
        }
    }
}

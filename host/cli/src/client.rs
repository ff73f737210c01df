//! A client of a running host's API, for the commands.

mod stream;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use warbler_app::fetch::tls;
use warbler_domain::Secret;

use crate::args::Reach;
use crate::config::{Config, Environment};
use crate::failure::Failure;
use crate::host::{KEY_FILE, read_key};
use crate::terminal::plain;

pub(crate) use stream::{EventStream, Sent};
pub(crate) use wire::{
    ExtensionView, FaultView, Items, PairingCodeView, PasskeyView, Problem, QrView, SessionView,
};

const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for an answer: linking a session may take a while to offer its first QR.
const ANSWER: Duration = Duration::from_secs(40);

/// Longest wait for the answer to a form, whose file has to arrive first.
const FORM: Duration = Duration::from_secs(300);

/// Rows of a list that are shown when it is refused.
const ROWS: usize = 20;

/// A host, and the key to it.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Secret,
}

impl Client {
    /// The host that `reach` names.
    pub(crate) fn new(reach: &Reach, environment: &Environment) -> Result<Self, Failure> {
        let base = Url::parse(&reach.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Failure::Usage(format!(
                    "`{}` is not the URL of a host; one looks like http://127.0.0.1:3000",
                    reach.url
                ))
            })?;
        let tls = tls::client_config(&tls::Roots::System).map_err(anyhow::Error::from)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .no_proxy()
            .build()
            .map_err(anyhow::Error::from)?;
        Ok(Self {
            http,
            base,
            key: key(reach, environment)?,
        })
    }

    /// A resource as it is shown.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Failure> {
        self.call(self.request(Method::GET, path)?.timeout(ANSWER))
            .await
    }

    /// A resource as the host wrote it.
    pub(crate) async fn get_json(&self, path: &[&str]) -> Result<Value, Failure> {
        self.get(path).await
    }

    /// Does something to a resource.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<T, Failure> {
        let request = self.request(Method::POST, path)?.timeout(ANSWER);
        self.call(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Hands something in that has no answer.
    pub(crate) async fn hand_in(&self, path: &[&str], body: Value) -> Result<(), Failure> {
        let request = self.request(Method::POST, path)?.timeout(ANSWER);
        self.send(request.json(&body)).await.map(drop)
    }

    /// Does something to a resource that has nothing to say.
    pub(crate) async fn post_empty(&self, path: &[&str]) -> Result<(), Failure> {
        let request = self.request(Method::POST, path)?.timeout(ANSWER);
        self.send(request).await.map(drop)
    }

    /// Posts a form: JSON as the part `name`, and a file.
    pub(crate) async fn post_form<T: DeserializeOwned>(
        &self,
        path: &[&str],
        name: &str,
        json: &Value,
        file_name: &str,
        file: Vec<u8>,
    ) -> Result<T, Failure> {
        // No text has this in it: it is longer than chance, and nobody is told it.
        const BOUNDARY: &str = "warbler-2f0d7c5e9b1a4f63a8de";
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\
             Content-Type: application/json\r\n\r\n{json}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.request(Method::POST, path)?.timeout(FORM);
        self.call(request.header("content-type", kind).body(body))
            .await
    }

    /// A resource as it is shown, of those that `query` asks for.
    pub(crate) async fn get_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, impl AsRef<str>)],
    ) -> Result<T, Failure> {
        let request = self.request_with(Method::GET, path, query)?;
        self.call(request.timeout(ANSWER)).await
    }

    /// Changes a part of a resource.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: Value,
    ) -> Result<T, Failure> {
        let request = self.request(Method::PATCH, path)?.timeout(ANSWER);
        self.call(request.json(&body)).await
    }

    /// Puts something in the place of what there was.
    pub(crate) async fn put(&self, path: &[&str], body: Value) -> Result<(), Failure> {
        let request = self.request(Method::PUT, path)?.timeout(ANSWER);
        self.send(request.json(&body)).await.map(drop)
    }

    /// Takes a resource away, in the way that `query` says.
    pub(crate) async fn delete_with(
        &self,
        path: &[&str],
        query: &[(&str, impl AsRef<str>)],
    ) -> Result<(), Failure> {
        let request = self.request_with(Method::DELETE, path, query)?;
        self.send(request.timeout(ANSWER)).await.map(drop)
    }

    /// Takes a resource away.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        let response = self
            .send(self.request(Method::DELETE, path)?.timeout(ANSWER))
            .await?;
        drop(response);
        Ok(())
    }

    /// The events from now on.
    pub(crate) async fn events(&self) -> Result<EventStream, Failure> {
        let request = self.request(Method::GET, &["events", "stream"])?;
        let response = self
            .send(request.header("accept", "text/event-stream"))
            .await?;
        Ok(EventStream::new(response))
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, Failure> {
        self.request_with(method, path, &[] as &[(&str, &str)])
    }

    fn request_with(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, impl AsRef<str>)],
    ) -> Result<RequestBuilder, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Usage(format!("`{}` is not the URL of a host", self.base)))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(self
            .http
            .request(method, url)
            .bearer_auth(self.key.expose()))
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        response.json().await.map_err(|err| {
            Failure::failed(format!(
                "the host's answer could not be read: {err}; is it another version?"
            ))
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|err| Failure::Unreachable {
            url: self.base.to_string(),
            reason: cause(&err),
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem = response.json::<Problem>().await.ok();
        let Some(problem) = problem else {
            let reason = format!("it answered {status}, which Warbler does not do there");
            return Err(Failure::Unreachable {
                url: self.base.to_string(),
                reason,
            });
        };
        let hint = match problem.code.as_str() {
            "invalid_key" => ". Set WARBLER_KEY, or name the host's folder with --data",
            _ => "",
        };
        Err(Failure::Refused {
            message: format!(
                "{}{hint}{}",
                problem.detail.unwrap_or(problem.title),
                rows(&problem.rows)
            ),
            code: problem.code,
        })
    }
}

/// The first rows of a list that are wrong, each on a line of its own.
fn rows(rows: &[wire::RowView]) -> String {
    let shown = rows.iter().take(ROWS).map(|row| {
        let column = row.column.as_deref().map_or_else(String::new, |column| {
            format!(", column {}", plain(column, 40))
        });
        format!("\n  row {}{column}: {}", row.row, plain(&row.message, 200))
    });
    let mut text: String = shown.collect();
    if rows.len() > ROWS {
        text.push_str(&format!("\n  and {} more", rows.len() - ROWS));
    }
    text
}

/// The innermost reason, which is the one that helps.
fn cause(err: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = err;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn key(reach: &Reach, environment: &Environment) -> Result<Secret, Failure> {
    if let Some(file) = &reach.key_file {
        return from_file(file)?
            .ok_or_else(|| Failure::Usage(format!("the key file {} is empty", file.display())));
    }
    if let Some(key) = environment.key() {
        return Ok(key);
    }
    let data = match &reach.data {
        Some(data) => data.clone(),
        None => Config::load(None, environment)?.data.dir,
    };
    let file: PathBuf = data.join(KEY_FILE);
    let missing = || {
        Failure::Usage(format!(
            "no API key: set WARBLER_KEY, or name the host's data folder with --data ({} is not there)",
            file.display()
        ))
    };
    if !file.exists() {
        return Err(missing());
    }
    from_file(&file)?.ok_or_else(missing)
}

fn from_file(file: &Path) -> Result<Option<Secret>, Failure> {
    read_key(file).map_err(|err| {
        Failure::Usage(format!(
            "the key file {} cannot be read: {err}",
            file.display()
        ))
    })
}

//! Somebody who uses a dialect, and has one of everything there.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_app::limits::Rate;
use warbler_domain::{Clock as _, Dialect, SystemClock};
use warbler_tests::{Answer, Api, Ask, Endpoint, KEY, TestHost, link};

use crate::media::PNG;
use crate::media::servers::reaching_this_machine;

/// The word for endpoints that everybody may call.
pub(super) const PUBLIC: &str = "public";
const PASSWORD: &str = "correct horse battery";

/// A host that serves this dialect at a listener of its own, and limits nobody.
pub(super) async fn host(dialect: Dialect) -> Result<TestHost> {
    let settings = reaching_this_machine()?;
    TestHost::start_as(move |options| {
        options.settings = settings.clone();
        let limits = &mut options.settings.access.limits;
        (limits.caller, limits.address) = (Rate::new(0, 1), Rate::new(0, 1));
        if let Some(mount) = options.dialects.mounts.get_mut(&dialect) {
            mount.listen = Some(([127, 0, 0, 1], 0).into());
            mount.rate_limits = false;
        }
    })
    .await
}

/// Somebody who uses a dialect.
pub(super) struct Side {
    pub(super) api: Api,
    dialect: Dialect,
    name: String,
    /// What is shown where each word for callers stands.
    shows: BTreeMap<&'static str, (&'static str, String)>,
    /// What is theirs, by the names in requests.
    pub(super) ids: BTreeMap<String, String>,
    /// What nobody else may be told.
    pub(super) secrets: Vec<String>,
}

impl Side {
    /// Somebody with a linked session that has heard and said something, and with one of everything
    /// else the dialect has.
    pub(super) async fn new(
        host: &TestHost,
        dialect: Dialect,
        name: &str,
        number: &str,
    ) -> Result<Self> {
        let digits = number.trim_start_matches('+').to_owned();
        let mut side = Self {
            api: host.api().at(&host.dialect_url(dialect)?),
            dialect,
            name: match dialect {
                Dialect::Hub => digits.clone(),
                _ => format!("{name}s-shop"),
            },
            shows: BTreeMap::new(),
            ids: BTreeMap::new(),
            secrets: vec![format!("{name}@example.com"), format!("{name}s-shop")],
        };
        let owner = side.registers(host, name).await?;
        if dialect != Dialect::Hub {
            side.secrets.push(digits);
        }
        let phone = host.person(number, name)?;
        match dialect {
            Dialect::Gateway => side.links_with_the_master_key(host, number).await?,
            _ => link(&owner, &side.name, &phone).await?,
        }
        side.talks(host, number).await?;
        side.has_the_rest(host).await?;
        Ok(side)
    }

    /// Makes a user with every credential of the dialect; its native client.
    async fn registers(&mut self, host: &TestHost, name: &str) -> Result<Api> {
        let email = format!("{name}@example.com");
        let user = json!({ "name": name, "email": email, "password": PASSWORD });
        host.api().post("/v1/users", user).await?.expect(201)?;
        let key = |dialect: Option<&str>| {
            let mut key = json!({ "name": name, "owner": name, "scopes": ["manage"] });
            if let Some(dialect) = dialect {
                key["dialect"] = json!(dialect);
            }
            host.api().post("/v1/keys", key)
        };
        let own = key(Some(self.dialect.as_str())).await?.expect(201)?;
        let own = own.text_at("/secret")?.to_owned();
        self.shows.insert("key", ("x-api-key", own));
        let native = key(None).await?.expect(201)?;
        let login = match self.dialect {
            Dialect::Hub => Some(("/auth/login", "/data/token", "login")),
            Dialect::Suite => Some(("/api/auth/login", "/token", "known")),
            _ => None,
        };
        if let Some((path, token, word)) = login {
            let body = json!({ "email": email, "password": PASSWORD });
            let begun = self.api.call("POST", path, &[], Some(body)).await?;
            let bearer = format!("Bearer {}", begun.expect(200)?.text_at(token)?);
            self.shows.insert(word, ("authorization", bearer));
        }
        Ok(host.api().with_key(native.text_at("/secret")?))
    }

    /// Makes the session as `gateway` does, with a token of its own, and links it.
    async fn links_with_the_master_key(&mut self, host: &TestHost, number: &str) -> Result<()> {
        let headers = [("x-master-key", KEY)];
        let body = json!({ "sessionId": self.name });
        let made = self
            .api
            .call("POST", "/api/v1/sessions", &headers, Some(body));
        let made = made.await?.expect(200)?;
        let token = format!("Bearer {}", made.text_at("/token")?);
        self.shows.insert("token", ("authorization", token));
        self.shows
            .insert("master", ("x-master-key", KEY.to_owned()));
        let qr = host
            .api()
            .get(&format!("/v1/sessions/{}/qr", self.name))
            .await?;
        let owner = host.person(number, "Owner")?;
        owner.scans(qr.expect(200)?.text_at("/text")?).await?;
        host.is_connected(&self.name).await
    }

    /// Something is said by a customer, and something is answered.
    async fn talks(&mut self, host: &TestHost, number: &str) -> Result<()> {
        let question = format!("what only {} is asked", self.name);
        let customer = host.person("+15550100", "Grace")?;
        customer.says(number, &question).await?;
        let shop = host.shop(&self.name, number)?;
        let asked = shop.has_received(&question).await?;
        let said = format!("what only {} answers", self.name);
        let id = shop.says("15550100", &said).await?;
        let sent = shop.has_status(&id, "delivered").await?;
        let session = sent["session"].as_str().context("a session")?.to_owned();
        self.secrets.extend([question, said]);
        let called = match self.dialect {
            Dialect::Suite => session.replace('-', ""),
            Dialect::Manager => {
                let list = self.gets("/api/sessions").await?;
                list.body["data"][0]["id"].to_string()
            }
            _ => self.name.clone(),
        };
        self.secrets.push(session.clone());
        self.ids.insert("session".to_owned(), called);
        self.ids
            .insert("own".to_owned(), self.ids["session"].clone());
        let soon = SystemClock.now().plus(Duration::from_secs(24 * 3600));
        self.ids.insert("soon".to_owned(), soon.to_string());
        self.ids.insert("native".to_owned(), session);
        let heard = asked["whatsappId"].as_str().context("an id")?;
        self.ids.insert("waid".to_owned(), heard.to_owned());
        let sent = sent["whatsappId"].as_str().context("an id")?;
        self.ids.insert("message".to_owned(), sent.to_owned());
        Ok(())
    }

    /// A webhook, a campaign, a file: whatever the dialect knows and calls by an id.
    async fn has_the_rest(&mut self, host: &TestHost) -> Result<()> {
        let session = self.ids["session"].clone();
        let hook = json!({ "url": format!("https://{}.example.com/hook", self.name) });
        self.secrets.push(format!("{}.example.com", self.name));
        match self.dialect {
            Dialect::Gateway => {
                let campaign = json!({
                    "name": format!("Spring of {}", self.name), "sessionId": session,
                    "message": { "type": "text", "content": "Hi" },
                    "recipients": [{ "number": "+15550100", "name": "Grace" }],
                });
                let made = self.posts("/api/v1/campaigns", campaign).await?;
                let id = made.text_at("/campaign/id")?;
                // Refusals name it as the core does.
                let plain = id.trim_start_matches("campaign_").to_owned();
                self.ids.insert("plan".to_owned(), plain);
                self.ids.insert("campaign".to_owned(), id.to_owned());
                self.uploads("/api/v1/media", "/mediaId").await?;
                let mut hook = hook;
                hook["sessionId"] = json!(session);
                self.posts("/api/v1/webhook", hook).await?;
            }
            Dialect::Manager => {
                let path = format!("/api/webhook/{session}/register");
                let made = self.posts(&path, hook).await?;
                let id = made.body["data"]["id"].to_string();
                self.ids.insert("webhook".to_owned(), id);
                let list = self
                    .gets(&format!("/api/messages/session/{session}"))
                    .await?;
                let id = list.body["data"]["messages"][0]["id"].to_string();
                self.ids.insert("message".to_owned(), id);
            }
            Dialect::Suite => {
                let path = format!("/api/webhook/config/{session}");
                self.asks_as("known", "PUT", &path, Some(hook)).await?;
                self.uploads("/api/messages/upload", "/data/filename")
                    .await?;
            }
            Dialect::Akg => {
                let later = json!({
                    "sessionId": session, "jid": "15550100@s.whatsapp.net",
                    "content": format!("later by {}", self.name), "sendAt": self.ids["soon"],
                });
                self.posts("/api/scheduler", later).await?;
                let rule = json!({
                    "sessionId": session, "keyword": format!("word of {}", self.name),
                    "response": "yes", "matchType": "EXACT",
                });
                self.posts("/api/autoreplies", rule).await?;
            }
            Dialect::Hub => {}
        }
        let native = self.ids["native"].clone();
        let found = host.api().get(&format!("/v1/sessions/{native}")).await?;
        found.expect(200)?;
        Ok(())
    }

    async fn uploads(&mut self, path: &str, pointer: &str) -> Result<()> {
        let end = b"\r\n--end--\r\n".as_slice();
        let head = "--end\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\ncontent-type: image/png\r\n\r\n";
        let form = [head.as_bytes(), PNG, end].concat();
        let (name, value) = self.usual()?;
        let headers = [
            (name, value),
            ("content-type", "multipart/form-data; boundary=end"),
        ];
        let made = self.api.call_with("POST", path, &headers, form).await?;
        let found = made.text_at(pointer)?.to_owned();
        self.ids.insert("media".to_owned(), found);
        Ok(())
    }

    async fn gets(&self, path: &str) -> Result<Answer> {
        let (name, value) = self.usual()?;
        self.api.call("GET", path, &[(name, value)], None).await
    }

    async fn posts(&self, path: &str, body: Value) -> Result<Answer> {
        let (name, value) = self.usual()?;
        let made = self
            .api
            .call("POST", path, &[(name, value)], Some(body))
            .await?;
        anyhow::ensure!(made.status < 300, "{path}: {} {}", made.status, made.body);
        Ok(made)
    }

    async fn asks_as(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer> {
        let (name, value) = self.shows.get(who).context("a credential")?;
        let (name, value) = (*name, value.as_str());
        let made = self.api.call(method, path, &[(name, value)], body).await?;
        anyhow::ensure!(made.status < 300, "{path}: {} {}", made.status, made.body);
        Ok(made)
    }

    /// What is shown at most endpoints.
    fn usual(&self) -> Result<(&str, &str)> {
        let word = match self.dialect {
            Dialect::Gateway => "token",
            Dialect::Suite => "known",
            _ => "key",
        };
        let (name, value) = self.shows.get(word).context("a credential")?;
        Ok((*name, value.as_str()))
    }

    /// Asks an endpoint, with what it wants to be shown.
    pub(super) async fn asks(&self, endpoint: &Endpoint, ask: &Ask) -> Result<Answer> {
        if endpoint.who == PUBLIC {
            return self.api.asks(&endpoint.method, &[], ask).await;
        }
        let shown = self.shows.get(endpoint.who.as_str());
        let (name, value) = shown.with_context(|| format!("no {}", endpoint.who))?;
        let headers = [(*name, value.as_str())];
        self.api.asks(&endpoint.method, &headers, ask).await
    }

    /// All that is theirs, as an admin sees it.
    pub(super) async fn world(&self, host: &TestHost) -> Result<Vec<Value>> {
        let native = &self.ids["native"];
        let mut seen = Vec::new();
        for path in [
            format!("/v1/sessions/{native}"),
            format!("/v1/sessions/{native}/messages?limit=200"),
            format!("/v1/sessions/{native}/outbox"),
        ] {
            seen.push(host.api().get(&path).await?.expect(200)?.body);
        }
        for path in [
            "/v1/webhooks",
            "/v1/campaigns",
            "/v1/schedules",
            "/v1/rules",
        ] {
            let all = host.api().get(path).await?.expect(200)?.body;
            let items = all["items"].as_array().context("items")?.iter();
            let own = items.filter(|item| {
                let text = item.to_string();
                text.contains(native.as_str()) || text.contains(&self.name)
            });
            seen.push(own.cloned().collect());
        }
        Ok(seen)
    }
}

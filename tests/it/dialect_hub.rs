//! The dialect `hub`, as its document has it: every endpoint, its refusals, and whose it is.

mod refusals;
mod sending;
mod switches;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_api::Switch;
use warbler_cli::host::HostOptions;
use warbler_domain::Dialect;
use warbler_tests::{Answer, Api, Documented, TestHost, eventually};

const PHONE: &str = "+15550123";
const ID: &str = "15550123";
const PASSWORD: &str = "correct horse battery";
/// What may be null although the example shows it, or not although it does not.
const NULLABLE: &[&str] = &["profilePicUrl", "about", "name"];

/// A host whose dialect has a listener of its own and no limits.
async fn host() -> Result<TestHost> {
    TestHost::start_as(|options| serve(options, false)).await
}

fn serve(options: &mut HostOptions, limited: bool) {
    if let Some(mount) = options.dialects.mounts.get_mut(&Dialect::Hub) {
        mount.listen = Some(([127, 0, 0, 1], 0).into());
        mount.rate_limits = limited;
    }
}

/// Somebody with an account.
struct Account {
    api: Api,
    token: String,
    key: String,
}

impl Account {
    async fn register(host: &TestHost, email: &str) -> Result<Self> {
        let api = host.api().at(&host.dialect_url(Dialect::Hub)?);
        let body = json!({ "email": email, "password": PASSWORD, "role": "user" });
        let made = api.call("POST", "/auth/register", &[], Some(body)).await?;
        kept("hub.register", &made)?;
        Ok(Self {
            token: made.text_at("/data/token")?.to_owned(),
            key: made.text_at("/data/user/apiKey")?.to_owned(),
            api,
        })
    }

    /// Asks as whoever has logged in.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str())];
        self.api.call(method, path, &headers, body).await
    }

    /// Asks with the API key.
    async fn keyed(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let headers = [("x-api-key", self.key.as_str())];
        self.api.call(method, path, &headers, body).await
    }

    /// A session of this account, linked and connected.
    async fn links(&self, host: &TestHost, number: &str) -> Result<String> {
        let id = number.trim_start_matches('+').to_owned();
        let owner = host.person(number, "Owner")?;
        let body = json!({ "session": id, "phoneNumber": number });
        let begun = self.keyed("POST", "/session/create", Some(body)).await?;
        kept("hub.create-session", &begun)?;
        owner.scans(begun.text_at("/qr")?).await?;
        // Asked for natively, so that waiting counts to none of the dialect's limits.
        host.is_connected(&id).await?;
        Ok(id)
    }
}

/// Whether an answer is what the document promises.
fn kept(id: &str, answer: &Answer) -> Result<()> {
    Documented::of("hub")?.keeps(id, answer, NULLABLE)
}

/// Whether a refusal has this status, and the form of all refusals.
fn refused(answer: &Answer, status: u16) -> Result<()> {
    let fields = answer.body.as_object().context("an object")?;
    let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
    let whole = keys == ["success", "error"] && answer.body["success"] == false;
    let told = answer.text_at("/error").is_ok_and(|text| !text.is_empty());
    let right = answer.status == status && whole && told;
    ensure!(
        right,
        "{status} expected: {} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

#[tokio::test]
async fn an_account_is_made_shown_and_changed_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    let again = json!({ "email": "ADA@example.com", "password": PASSWORD });
    refused(
        &ada.api
            .call("POST", "/auth/register", &[], Some(again))
            .await?,
        400,
    )?;
    let log_in = |password: &str| json!({ "email": "ada@example.com", "password": password });
    let login = ada
        .api
        .call("POST", "/auth/login", &[], Some(log_in(PASSWORD)))
        .await?;
    kept("hub.login", &login)?;
    assert_eq!(login.text_at("/data/user/apiKey")?, ada.key, "the same key");
    let wrong = ada
        .api
        .call("POST", "/auth/login", &[], Some(log_in("wrong wrong")))
        .await?;
    refused(&wrong, 401)?;
    kept("hub.me", &ada.ask("GET", "/auth/me", None).await?)?;
    kept(
        "hub.get-profile",
        &ada.ask("GET", "/user/profile", None).await?,
    )?;

    let renewed = ada.ask("POST", "/auth/regenerate-api-key", None).await?;
    kept("hub.regenerate-api-key", &renewed)?;
    refused(&ada.keyed("GET", "/session/list", None).await?, 401)?;
    let ada = Account {
        key: renewed.text_at("/data/apiKey")?.to_owned(),
        ..ada
    };
    kept(
        "hub.list-sessions",
        &ada.keyed("GET", "/session/list", None).await?,
    )?;

    let change = json!({ "email": "ada@example.org", "password": "another horse battery" });
    let changed = ada.ask("PUT", "/user/profile", Some(change)).await?;
    kept("hub.update-profile", &changed)?;
    assert_eq!(changed.text_at("/data/email")?, "ada@example.org");
    kept("hub.me", &ada.ask("GET", "/auth/me", None).await?)?;
    let other_token = Account {
        token: login.text_at("/data/token")?.to_owned(),
        ..Account::register(&host, "bob@example.com").await?
    };
    refused(&other_token.ask("GET", "/auth/me", None).await?, 401)?;
    let wrong = json!({ "password": "a third battery", "currentPassword": "nonsense" });
    refused(&ada.ask("PUT", "/user/profile", Some(wrong)).await?, 403)?;
    kept(
        "hub.user-accounts",
        &ada.ask("GET", "/user/accounts", None).await?,
    )?;
    refused(&ada.ask("GET", "/user/admin/users", None).await?, 403)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn whoever_registers_is_a_user_unless_the_operator_opens_that() -> Result<()> {
    let host = host().await?;
    let api = host.api().at(&host.dialect_url(Dialect::Hub)?);
    let body = json!({ "email": "eve@example.com", "password": PASSWORD, "role": "admin" });
    let made = api
        .call("POST", "/auth/register", &[], Some(body.clone()))
        .await?;
    assert_eq!(made.text_at("/data/user/role")?, "user");
    host.stop().await;

    let host = TestHost::start_as(|options| {
        serve(options, false);
        let open = &mut options.dialects.documented_unsafe;
        open.insert(Switch::HubSelfAssignedRole);
    })
    .await?;
    let api = host.api().at(&host.dialect_url(Dialect::Hub)?);
    let made = api.call("POST", "/auth/register", &[], Some(body)).await?;
    assert_eq!(made.text_at("/data/user/role")?, "admin");
    let bearer = format!("Bearer {}", made.text_at("/data/token")?);
    let headers = [("authorization", bearer.as_str())];
    let users = api.call("GET", "/user/admin/users", &headers, None).await?;
    kept("hub.admin-users", &users)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_is_made_linked_shown_and_ended_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    let start = json!({ "session": ID, "phoneNumber": PHONE });
    let begun = ada
        .keyed("POST", "/session/start", Some(start.clone()))
        .await?;
    kept("hub.start-session", &begun)?;
    let path = format!("/session/qr-image?session={ID}");
    let image = ada.keyed("GET", &path, None).await?;
    kept("hub.qr-image", &image)?;
    assert!(image.bytes.starts_with(b"\x89PNG"));
    let wrong = json!({ "session": ID, "phoneNumber": "call me" });
    refused(
        &ada.keyed("POST", "/session/start", Some(wrong)).await?,
        400,
    )?;

    host.person(PHONE, "Ada")?
        .scans(begun.text_at("/qr")?)
        .await?;
    let status = format!("/session/status?session={ID}");
    eventually("the session is connected", || async {
        let shown = ada.keyed("GET", &status, None).await?.expect(200)?;
        Ok((shown.body["data"]["status"] == "connected").then_some(()))
    })
    .await?;
    kept(
        "hub.session-status",
        &ada.keyed("GET", &status, None).await?,
    )?;
    let again = ada.keyed("POST", "/session/start", Some(start)).await?;
    kept("hub.start-session", &again)?;
    assert_eq!(again.text_at("/data/message")?, "Connected");
    refused(&ada.keyed("GET", &path, None).await?, 400)?;
    let list = ada.keyed("GET", "/session/list", None).await?;
    kept("hub.list-sessions", &list)?;
    assert_eq!(list.text_at("/data/0/phoneNumber")?, PHONE);
    kept(
        "hub.user-accounts",
        &ada.ask("GET", "/user/accounts", None).await?,
    )?;
    for (number, active) in [(PHONE, true), ("+15550199", false)] {
        let body = json!({ "phoneNumber": number });
        let checked = ada
            .keyed("POST", "/session/check-phone", Some(body))
            .await?;
        kept("hub.check-phone", &checked)?;
        assert_eq!(checked.body["hasActiveSession"], active);
    }
    let body = json!({ "phoneNumber": "nobody" });
    refused(
        &ada.keyed("POST", "/session/check-phone", Some(body))
            .await?,
        400,
    )?;
    let cleaned = ada.keyed("POST", "/session/cleanup?hours=48", None).await?;
    kept("hub.cleanup-sessions", &cleaned)?;
    assert_eq!(cleaned.body["data"]["cleanedCount"], 0);

    let both = json!({ "session": "15550124" });
    let path = format!("/session/logout?session={ID}");
    refused(&ada.keyed("POST", &path, Some(both)).await?, 400)?;
    kept("hub.logout-session", &ada.keyed("POST", &path, None).await?)?;
    refused(&ada.keyed("GET", &status, None).await?, 404)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_operator_makes_keys_for_the_dialect() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    let users = host.api().get("/v1/users").await?.expect(200)?;
    let owner = users.text_at("/items/0/name")?;
    let wanted = json!({ "name": "crm", "scopes": ["send"], "owner": owner, "dialect": "hub" });
    let made = host
        .api()
        .post("/v1/keys", wanted.clone())
        .await?
        .expect(201)?;
    assert_eq!(made.text_at("/key/dialect")?, "hub");
    let secret = made.text_at("/secret")?;
    assert!(secret.starts_with("hub_"));
    let headers = [("x-api-key", secret)];
    let list = ada.api.call("GET", "/session/list", &headers, None).await?;
    kept("hub.list-sessions", &list)?;
    let elsewhere = host.api().get_as(Some(secret), "/v1/sessions").await?;
    assert_eq!(elsewhere.refusal(), (401, "invalid_key"));
    let mut other = wanted;
    other["dialect"] = json!("hubb");
    let refusal = host.api().post("/v1/keys", other).await?;
    assert_eq!(refusal.refusal(), (400, "bad_dialect"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_host_says_how_it_is_and_what_it_serves() -> Result<()> {
    let host = host().await?;
    let api = host.api().at(&host.dialect_url(Dialect::Hub)?);
    kept("hub.health", &api.call("GET", "/health", &[], None).await?)?;
    let page = api.call("GET", "/api-docs/ui", &[], None).await?;
    kept("hub.docs-ui", &page)?;
    let spec = api.call("GET", "/api-docs/spec", &[], None).await?;
    kept("hub.docs-spec", &spec)?;
    for endpoint in Documented::of("hub")?.endpoints()? {
        let operation = &spec.body["paths"][&endpoint.path][endpoint.method.to_lowercase()];
        assert!(
            operation["summary"].is_string(),
            "{} is missing",
            endpoint.id
        );
        let text = String::from_utf8_lossy(&page.bytes);
        assert!(text.contains(&endpoint.path), "{} is missing", endpoint.id);
    }
    // The same below its prefix, and not at the root, unless it is to be there.
    let below = host.api().call("GET", "/hub/health", &[], None).await?;
    kept("hub.health", &below)?;
    let nowhere = host.api().call("GET", "/health", &[], None).await?;
    assert_eq!(nowhere.refusal(), (404, "unknown_path"));
    host.stop().await;

    let host = TestHost::start_as(|options| options.dialects.root = Some(Dialect::Hub)).await?;
    kept(
        "hub.health",
        &host.api().call("GET", "/health", &[], None).await?,
    )?;
    refused(&host.api().call("GET", "/nowhere", &[], None).await?, 404)?;
    host.api().get("/v1/sessions").await?.expect(200)?;
    host.stop().await;
    Ok(())
}

//! The dialect `suite`, as its document has it: every endpoint, its refusals, and whose it is.

mod messages;
mod refusals;
mod webhooks;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use warbler_api::Switch;
use warbler_cli::host::HostOptions;
use warbler_domain::Dialect;
use warbler_simulator::Person;
use warbler_tests::{Answer, Api, Documented, TestHost, reaches_state};

const PHONE: &str = "+15550123";
const PASSWORD: &str = "correct horse battery";
/// What may be null although the example shows it.
const NULLABLE: &[&str] = &[
    "description",
    "phoneNumber",
    "apiKey",
    "text",
    "lastDelivery",
    "statusCode",
    "config",
];

/// A host whose dialect has a listener of its own and no limits.
async fn host() -> Result<TestHost> {
    TestHost::start_as(|options| serve(options, false)).await
}

fn serve(options: &mut HostOptions, limited: bool) {
    if let Some(mount) = options.dialects.mounts.get_mut(&Dialect::Suite) {
        mount.listen = Some(([127, 0, 0, 1], 0).into());
        mount.rate_limits = limited;
    }
    // Those of the host are tested elsewhere, and waiting would use them up.
    let limits = &mut options.settings.access.limits;
    (limits.caller.per_minute, limits.address.per_minute) = (0, 0);
}

/// Somebody with an account.
struct Account {
    native: Api,
    api: Api,
    token: String,
    key: String,
}

impl Account {
    async fn register(host: &TestHost, name: &str) -> Result<Self> {
        let api = host.api().at(&host.dialect_url(Dialect::Suite)?);
        let body = json!({
            "username": name, "email": format!("{name}@example.com"), "password": PASSWORD,
        });
        let path = "/api/auth/register";
        let made = api.call("POST", path, &[], Some(body)).await?;
        kept("suite.register", &made)?;
        Ok(Self {
            token: made.text_at("/token")?.to_owned(),
            key: made.text_at("/apiKey")?.to_owned(),
            native: host.api().clone(),
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

    /// A session of this account that was never started; its id.
    async fn makes(&self, name: &str) -> Result<String> {
        let body = json!({ "name": name, "description": "Customer support" });
        let made = self.keyed("POST", "/api/sessions", Some(body)).await?;
        kept("suite.create-session", &made)?;
        Ok(made.text_at("/session/id")?.to_owned())
    }

    /// A session of this account, linked and connected; its id.
    async fn links(&self, owner: &Person) -> Result<String> {
        let id = self.makes("My Session").await?;
        self.scans(&id, owner).await?;
        Ok(id)
    }

    /// Starts a session, lets its QR be scanned, and waits until it is connected.
    async fn scans(&self, id: &str, owner: &Person) -> Result<()> {
        let path = |what: &str| format!("/api/sessions/{id}/{what}");
        let started = self.keyed("POST", &path("start"), None).await?;
        kept("suite.start-session", &started)?;
        let qr = self.keyed("GET", &path("qr"), None).await?;
        kept("suite.session-qr", &qr)?;
        let image = qr.text_at("/qrCode")?;
        ensure!(image.starts_with("data:image/png;base64,"), "{image}");
        // The picture is for cameras; the text in it is what the native API tells.
        let native = self.native.get(&format!("/v1/sessions/{id}/qr")).await?;
        owner.scans(native.expect(200)?.text_at("/text")?).await?;
        self.is("connected", id).await
    }

    /// Waits until a session is in a state of the native API, which counts to none of the dialect's
    /// limits.
    async fn is(&self, state: &str, id: &str) -> Result<()> {
        reaches_state(&self.native, id, state).await
    }
}

/// Whether an answer is what the document promises.
fn kept(id: &str, answer: &Answer) -> Result<()> {
    Documented::of("suite")?.keeps(id, answer, NULLABLE)
}

/// Whether a refusal has this status and code, and the form of all refusals.
fn refused(answer: &Answer, status: u16, code: &str) -> Result<()> {
    let body = &answer.body;
    let keys: Vec<&str> = body
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys().map(String::as_str))
        .collect();
    let whole = keys == ["error", "code", "status", "details"];
    let told = answer.text_at("/error").is_ok_and(|text| !text.is_empty());
    let same = body["status"] == status && body["code"] == code && body["details"].is_object();
    ensure!(
        answer.status == status && whole && told && same,
        "{status} {code} expected: {} {body}",
        answer.status
    );
    Ok(())
}

#[tokio::test]
async fn an_account_is_made_shown_and_changed_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let login = |more: Value| async {
        let headers: [(&str, &str); 0] = [];
        let path = "/api/auth/login";
        ada.api.call("POST", path, &headers, Some(more)).await
    };
    let by_name = login(json!({ "username": "ada_l", "password": PASSWORD })).await?;
    kept("suite.login", &by_name)?;
    let by_email = login(json!({ "email": "ada_l@example.com", "password": PASSWORD })).await?;
    kept("suite.login", &by_email)?;
    for wrong in [
        json!({ "username": "ada_l", "password": "wrong wrong" }),
        json!({ "username": "nobody", "password": PASSWORD }),
    ] {
        refused(&login(wrong).await?, 401, "AUTH_INVALID_CREDENTIALS")?;
    }
    refused(
        &login(json!({ "password": "x" })).await?,
        400,
        "VALIDATION_ERROR",
    )?;

    let shown = ada.ask("GET", "/api/auth/profile", None).await?;
    kept("suite.get-profile", &shown)?;
    assert_eq!(shown.text_at("/apiKey")?, ada.key);
    let shown = ada.keyed("GET", "/api/auth/profile", None).await?;
    kept("suite.get-profile", &shown)?;
    assert_eq!(
        shown.body["apiKey"],
        Value::Null,
        "keys are shown to logins"
    );
    let change = json!({
        "email": "ada@example.org", "firstName": "Ada", "lastName": "Lovelace",
    });
    let changed = ada.ask("PUT", "/api/auth/profile", Some(change)).await?;
    kept("suite.update-profile", &changed)?;
    assert_eq!(changed.text_at("/user/email")?, "ada@example.org");
    let bad = json!({ "email": "nobody" });
    let bad = ada.ask("PUT", "/api/auth/profile", Some(bad)).await?;
    refused(&bad, 400, "VALIDATION_ERROR")?;
    assert!(bad.body["details"]["email"].is_string());

    let renewed = ada
        .ask("POST", "/api/auth/regenerate-api-key", None)
        .await?;
    kept("suite.regenerate-api-key", &renewed)?;
    let old = ada.keyed("GET", "/api/sessions", None).await?;
    refused(&old, 401, "AUTH_INVALID_CREDENTIALS")?;
    let new = renewed.text_at("/apiKey")?.to_owned();
    assert!(new.starts_with("wapi_"));
    let ada = Account { key: new, ..ada };
    kept(
        "suite.list-sessions",
        &ada.keyed("GET", "/api/sessions", None).await?,
    )?;

    let other = by_name.text_at("/token")?.to_owned();
    let change = |current: &str| json!({ "currentPassword": current, "newPassword": "new horse" });
    let path = "/api/auth/change-password";
    let wrong = ada.ask("POST", path, Some(change("nonsense"))).await?;
    refused(&wrong, 401, "AUTH_INVALID_CREDENTIALS")?;
    let changed = ada.ask("POST", path, Some(change(PASSWORD))).await?;
    kept("suite.change-password", &changed)?;
    let other = Account {
        token: other,
        ..ada
    };
    let ended = other.ask("GET", "/api/auth/profile", None).await?;
    refused(&ended, 401, "AUTH_INVALID_CREDENTIALS")?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_login_goes_on_by_its_token_and_ends_for_good() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let refresh = |token: &str| {
        let body = json!({ "token": token });
        ada.api.call("POST", "/api/auth/refresh", &[], Some(body))
    };
    let renewed = refresh(&ada.token).await?;
    kept("suite.refresh", &renewed)?;
    let wrong = refresh("nonsense").await?;
    refused(&wrong, 401, "AUTH_INVALID_CREDENTIALS")?;
    let out = ada.keyed("POST", "/api/auth/logout", None).await?;
    kept("suite.logout", &out)?;
    let out = ada.ask("POST", "/api/auth/logout", None).await?;
    kept("suite.logout", &out)?;
    let token = renewed.text_at("/token")?;
    refused(&refresh(token).await?, 401, "AUTH_INVALID_CREDENTIALS")?;
    let after = ada.ask("GET", "/api/sessions", None).await?;
    refused(&after, 401, "AUTH_INVALID_CREDENTIALS")?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_behind() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let bob = Account::register(&host, "bob_b").await?;
    let (gone, kept_one) = (ada.makes("Hers").await?, bob.makes("His").await?);
    let by_key = ada.keyed("DELETE", "/api/auth/account", None).await?;
    refused(&by_key, 403, "FORBIDDEN")?;
    let deleted = ada.ask("DELETE", "/api/auth/account", None).await?;
    kept("suite.delete-account", &deleted)?;
    for asked in [
        ada.ask("GET", "/api/sessions", None).await?,
        ada.keyed("GET", "/api/sessions", None).await?,
    ] {
        refused(&asked, 401, "AUTH_INVALID_CREDENTIALS")?;
    }
    let native = host.api().get(&format!("/v1/sessions/{gone}")).await?;
    assert_eq!(native.refusal(), (404, "unknown_session"));
    let path = format!("/v1/sessions/{kept_one}");
    host.api().get(&path).await?.expect(200)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_document_opens_is_closed_unless_the_operator_opens_it() -> Result<()> {
    let host = TestHost::start_as(|options| {
        serve(options, false);
        options.dialects.documented_unsafe = Switch::ALL.into_iter().collect();
    })
    .await?;
    let ada = Account::register(&host, "ada_l").await?;
    let bob = Account::register(&host, "bob_b").await?;
    ada.makes("Hers").await?;
    let all = bob.keyed("GET", "/api/status", None).await?;
    assert_eq!(all.body["sessions"]["total"], 1, "everybody's");
    let out = ada.ask("POST", "/api/auth/logout", None).await?;
    kept("suite.logout", &out)?;
    ada.ask("GET", "/api/sessions", None).await?.expect(200)?;
    let renewed = ada
        .keyed("POST", "/api/auth/regenerate-api-key", None)
        .await?;
    kept("suite.regenerate-api-key", &renewed)?;
    let key = renewed.text_at("/apiKey")?.to_owned();
    let ada = Account { key, ..ada };
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another horse" });
    let path = "/api/auth/change-password";
    let changed = ada.keyed("POST", path, Some(change)).await?;
    kept("suite.change-password", &changed)?;
    let deleted = ada.keyed("DELETE", "/api/auth/account", None).await?;
    kept("suite.delete-account", &deleted)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_is_made_linked_shown_and_ended_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.makes("My Session").await?;
    assert!(
        id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
    let path = |what: &str| format!("/api/sessions/{id}{what}");
    let early = ada.keyed("GET", &path("/qr"), None).await?;
    refused(&early, 400, "VALIDATION_ERROR")?;
    let cleared = ada.keyed("POST", &path("/clear-auth"), None).await?;
    kept("suite.clear-auth", &cleared)?;
    ada.scans(&id, &host.person(PHONE, "Ada")?).await?;

    let shown = ada.keyed("GET", &path(""), None).await?;
    kept("suite.get-session", &shown)?;
    assert_eq!(shown.text_at("/session/phoneNumber")?, PHONE);
    assert_eq!(shown.text_at("/session/name")?, "My Session");
    let status = ada.keyed("GET", &path("/status"), None).await?;
    kept("suite.session-status", &status)?;
    let again = ada.ask("POST", &path("/start"), None).await?;
    kept("suite.start-session", &again)?;
    assert_eq!(again.text_at("/status")?, "connected");
    let linked = ada.keyed("GET", &path("/qr"), None).await?;
    refused(&linked, 400, "VALIDATION_ERROR")?;
    let list = ada
        .ask("GET", "/api/sessions?status=connected&limit=500", None)
        .await?;
    kept("suite.list-sessions", &list)?;
    assert_eq!(
        (&list.body["total"], &list.body["limit"]),
        (&json!(1), &json!(100))
    );
    let list = ada
        .ask("GET", "/api/sessions?status=inactive", None)
        .await?;
    assert_eq!(list.body["sessions"], json!([]));
    let list = ada.ask("GET", "/api/sessions?status=gone", None).await?;
    refused(&list, 400, "VALIDATION_ERROR")?;

    let change = json!({ "name": "Another", "description": "Sales" });
    let changed = ada.keyed("PUT", &path("/settings"), Some(change)).await?;
    kept("suite.session-settings", &changed)?;
    assert_eq!(changed.text_at("/session/description")?, "Sales");
    let bad = json!({ "name": "" });
    let bad = ada.keyed("PUT", &path("/settings"), Some(bad)).await?;
    refused(&bad, 400, "VALIDATION_ERROR")?;

    let restarted = ada.keyed("POST", &path("/restart"), None).await?;
    kept("suite.restart-session", &restarted)?;
    ada.is("connected", &id).await?;
    let stopped = ada.keyed("POST", &path("/stop"), None).await?;
    kept("suite.stop-session", &stopped)?;
    assert_eq!(stopped.text_at("/status")?, "inactive");
    let cleared = ada.keyed("POST", &path("/clear-auth"), None).await?;
    kept("suite.clear-auth", &cleared)?;
    let deleted = ada.keyed("DELETE", &path(""), None).await?;
    kept("suite.delete-session", &deleted)?;
    let gone = ada.keyed("GET", &path(""), None).await?;
    refused(&gone, 404, "SESSION_NOT_FOUND")?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_host_says_how_it_is_and_what_it_serves() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let open = |path: &'static str| ada.api.call("GET", path, &[], None);
    kept("suite.health", &open("/api/status/health").await?)?;
    let info = open("/api/status/info").await?;
    kept("suite.info", &info)?;
    assert_eq!(info.text_at("/docs")?, format!("{}/docs", ada.api.base()));
    let page = open("/docs").await?;
    kept("suite.docs", &page)?;
    let text = String::from_utf8_lossy(&page.bytes);
    for endpoint in Documented::of("suite")?.endpoints()? {
        assert!(text.contains(&endpoint.path), "{} is missing", endpoint.id);
    }
    ada.makes("Hers").await?;
    let status = ada.ask("GET", "/api/status", None).await?;
    kept("suite.system-status", &status)?;
    assert_eq!(status.body["sessions"]["total"], 1);
    let stats = ada.keyed("GET", "/api/status/stats", None).await?;
    kept("suite.system-stats", &stats)?;
    // The same below its prefix, with its prefix in what it says.
    let info = host
        .api()
        .call("GET", "/suite/api/status/info", &[], None)
        .await?;
    kept("suite.info", &info)?;
    let docs = info.text_at("/docs")?;
    assert!(docs.ends_with("/suite/docs"), "{docs}");
    host.stop().await;

    let host = TestHost::start_as(|options| options.dialects.root = Some(Dialect::Suite)).await?;
    let health = host
        .api()
        .call("GET", "/api/status/health", &[], None)
        .await?;
    kept("suite.health", &health)?;
    host.stop().await;
    Ok(())
}

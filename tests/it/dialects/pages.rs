//! Pages of other origins, and how many sessions whoever registers may have.

use anyhow::Result;
use serde_json::json;
use warbler_domain::Dialect;
use warbler_tests::TestHost;

const LISTED: &str = "https://app.example.com";
const FOREIGN: &str = "https://elsewhere.example";

#[tokio::test]
async fn only_pages_of_listed_origins_may_call_the_dialects() -> Result<()> {
    let host = TestHost::start_as(|options| {
        options.dialects.cors_origins = vec![LISTED.to_owned()];
    })
    .await?;
    for dialect in Dialect::ALL {
        let path = format!("/{dialect}/api/sessions");
        for (origin, allowed) in [(LISTED, LISTED), (FOREIGN, "")] {
            let asks = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
            ];
            let preflight = host.api().call("OPTIONS", &path, &asks, None).await?;
            assert_eq!(preflight.status == 204, !allowed.is_empty(), "{dialect}");
            assert_eq!(preflight.header("access-control-allow-origin"), allowed);
            let headers = preflight.header("access-control-allow-headers");
            assert_eq!(headers.contains("authorization"), !allowed.is_empty());
            let asked = host.api().call("GET", &path, &asks[..1], None).await?;
            assert_eq!(asked.header("access-control-allow-origin"), allowed);
            assert_eq!(asked.header("access-control-allow-credentials"), "");
        }
    }
    let asks = [
        ("origin", LISTED),
        ("access-control-request-method", "POST"),
    ];
    let native = host
        .api()
        .call("OPTIONS", "/v1/sessions", &asks, None)
        .await?;
    assert_eq!(native.header("access-control-allow-origin"), "");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn pages_and_documents_of_dialects_say_where_they_are_and_what_is_answered() -> Result<()> {
    let host = TestHost::start().await?;
    let base = host.api().base().to_owned();
    let spec = host.api().call("GET", "/hub/api-docs/spec", &[], None);
    let spec = spec.await?.expect(200)?.body;
    assert_eq!(spec["servers"], json!([{ "url": format!("{base}/hub") }]));
    let sending = &spec["paths"]["/message/send-text"]["post"];
    assert_eq!(sending["operationId"], "send-text");
    let answers = &sending["responses"]["200"]["content"]["application/json"]["examples"];
    assert_eq!(answers["documented"]["value"]["success"], true);
    let page = host.api().text("/suite/docs").await?;
    for said in [
        format!("curl -X POST {base}/suite/api/auth/register"),
        format!("curl -X POST {base}/suite/api/sessions/$sessionId/start"),
        "User registered successfully".to_owned(),
    ] {
        assert!(page.contains(&said), "{said}");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_cookie_counts_unless_another_origin_is_behind_it() -> Result<()> {
    let host = TestHost::start().await?;
    let key = json!({ "name": "page", "scopes": ["manage"], "dialect": "akg" });
    let made = host.api().post("/v1/keys", key).await?.expect(201)?;
    let cookie = format!("a=b; authjs.session-token={}", made.text_at("/secret")?);
    let own = host.api().base().to_owned();
    for (headers, status) in [
        (vec![("cookie", cookie.as_str())], 200),
        (
            vec![("cookie", cookie.as_str()), ("origin", own.as_str())],
            200,
        ),
        (vec![("cookie", cookie.as_str()), ("origin", FOREIGN)], 403),
        (vec![("cookie", "authjs.session-token=wag_nonsense")], 401),
        (vec![("cookie", "other=1")], 401),
    ] {
        let asked = host.api().call("GET", "/akg/api/sessions", &headers, None);
        let asked = asked.await?;
        assert_eq!(asked.status, status, "{headers:?}: {}", asked.body);
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn whoever_is_no_admin_has_only_so_many_sessions() -> Result<()> {
    let host = TestHost::start_as(|options| options.settings.sessions_per_user = 2).await?;
    let account = json!({
        "username": "ada_l", "email": "ada@example.com", "password": "correct horse battery",
    });
    let path = "/suite/api/auth/register";
    let begun = host.api().call("POST", path, &[], Some(account)).await?;
    let key = begun.expect(201)?.text_at("/apiKey")?.to_owned();
    let headers = [("x-api-key", key.as_str())];
    for status in [201, 201, 400] {
        let one = json!({ "name": "One more" });
        let made = host
            .api()
            .call("POST", "/suite/api/sessions", &headers, Some(one));
        let made = made.await?;
        assert_eq!(made.status, status, "{}", made.body);
    }
    for name in ["one", "two", "three"] {
        let made = host
            .api()
            .post("/v1/sessions", json!({ "name": name }))
            .await?;
        made.expect(201)?;
    }
    let user = json!({ "name": "bob", "password": "correct horse battery" });
    host.api().post("/v1/users", user).await?.expect(201)?;
    let key = json!({ "name": "bob", "owner": "bob", "scopes": ["manage"] });
    let made = host.api().post("/v1/keys", key).await?.expect(201)?;
    let bob = host.api().with_key(made.text_at("/secret")?);
    for name in ["bob1", "bob2"] {
        bob.post("/v1/sessions", json!({ "name": name }))
            .await?
            .expect(201)?;
    }
    let more = bob.post("/v1/sessions", json!({ "name": "bob3" })).await?;
    assert_eq!(more.refusal(), (409, "too_many_sessions"));
    host.stop().await;
    Ok(())
}

//! Users: logging in, staying logged in, and what ends that.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use warbler_tests::TestHost;

use super::{PASSWORD, add_user, audited, log_in, logged_in, names, session, timed};

#[tokio::test]
async fn a_login_expires_and_is_renewed() -> Result<()> {
    let (host, clock) = timed().await?;
    add_user(&host, "Ada").await?;
    let login = log_in(&host, "aDA", PASSWORD).await?.expect(200)?;
    let api = host.api().with_key(login.text_at("/token")?);
    assert_eq!(
        api.get("/v1/me")
            .await?
            .expect(200)?
            .text_at("/user/name")?,
        "Ada"
    );
    clock.advance(Duration::from_secs(15 * 60));
    let expired = api.get("/v1/me").await?;
    assert_eq!(expired.refusal(), (401, "token_expired"));
    let refresh = json!({ "refreshToken": login.text_at("/refreshToken")? });
    let renewed = host
        .api()
        .post("/v1/login/refresh", refresh)
        .await?
        .expect(200)?;
    host.api()
        .with_key(renewed.text_at("/token")?)
        .get("/v1/me")
        .await?
        .expect(200)?;
    clock.advance(Duration::from_secs(31 * 24 * 3600));
    let refresh = json!({ "refreshToken": renewed.text_at("/refreshToken")? });
    let too_late = host.api().post("/v1/login/refresh", refresh).await?;
    assert_eq!(too_late.refusal(), (401, "invalid_refresh_token"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_the_whole_login() -> Result<()> {
    let host = TestHost::start().await?;
    add_user(&host, "ada").await?;
    let login = log_in(&host, "ada", PASSWORD).await?.expect(200)?;
    let first = json!({ "refreshToken": login.text_at("/refreshToken")? });
    let renewed = host
        .api()
        .post("/v1/login/refresh", first.clone())
        .await?
        .expect(200)?;
    let api = host.api().with_key(renewed.text_at("/token")?);
    api.get("/v1/me").await?.expect(200)?;
    let stolen = host.api().post("/v1/login/refresh", first).await?;
    assert_eq!(stolen.refusal(), (401, "invalid_refresh_token"));
    assert_eq!(api.get("/v1/me").await?.refusal(), (401, "invalid_key"));
    let newest = json!({ "refreshToken": renewed.text_at("/refreshToken")? });
    let ended = host.api().post("/v1/login/refresh", newest).await?;
    assert_eq!(ended.refusal(), (401, "invalid_refresh_token"));
    assert_eq!(
        audited(&host, "login").await?["outcome"],
        "refresh_token_reused"
    );
    // Another login of the same user is another matter.
    logged_in(&host, "ada")
        .await?
        .get("/v1/me")
        .await?
        .expect(200)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn logging_out_changing_the_password_and_disabling_end_what_was_given_out() -> Result<()> {
    let host = TestHost::start().await?;
    add_user(&host, "ada").await?;
    let api = logged_in(&host, "ada").await?;
    api.order("/v1/logout").await?.expect(204)?;
    assert_eq!(api.get("/v1/me").await?.refusal(), (401, "invalid_key"));
    assert_eq!(
        host.api().order("/v1/logout").await?.refusal(),
        (409, "not_a_login")
    );

    let api = logged_in(&host, "ada").await?;
    let other = "another horse, another staple";
    for (body, refusal) in [
        (json!({ "new": other }), (400, "current_password_needed")),
        (
            json!({ "current": "wrong", "new": other }),
            (403, "wrong_current_password"),
        ),
        (
            json!({ "current": PASSWORD, "new": "short" }),
            (400, "bad_password"),
        ),
    ] {
        let refused = api.put("/v1/users/ada/password", body).await?;
        assert_eq!(refused.refusal(), refusal);
    }
    let change = json!({ "current": PASSWORD, "new": other });
    api.put("/v1/users/ada/password", change)
        .await?
        .expect(204)?;
    assert_eq!(api.get("/v1/me").await?.refusal(), (401, "invalid_key"));
    assert_eq!(
        log_in(&host, "ada", PASSWORD).await?.refusal(),
        (401, "wrong_password")
    );
    let login = log_in(&host, "ada", other).await?.expect(200)?;
    let api = host.api().with_key(login.text_at("/token")?);

    let made = api
        .post("/v1/keys", json!({ "name": "ci", "scopes": ["read"] }))
        .await?;
    let own = host.api().with_key(made.expect(201)?.text_at("/secret")?);
    own.get("/v1/sessions").await?.expect(200)?;
    let disable = json!({ "disabled": true });
    host.api()
        .patch("/v1/users/ada", disable)
        .await?
        .expect(200)?;
    for api in [&api, &own] {
        assert_eq!(
            api.get("/v1/sessions").await?.refusal(),
            (401, "invalid_key")
        );
    }
    assert_eq!(
        log_in(&host, "ada", other).await?.refusal(),
        (401, "wrong_password")
    );
    let enable = json!({ "disabled": false });
    host.api()
        .patch("/v1/users/ada", enable)
        .await?
        .expect(200)?;
    own.get("/v1/sessions").await?.expect(200)?;
    assert_eq!(api.get("/v1/me").await?.refusal(), (401, "invalid_key"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn guessing_passwords_is_made_slow_whoever_is_guessed() -> Result<()> {
    let (host, clock) = timed().await?;
    add_user(&host, "ada").await?;
    let mut answers = Vec::new();
    for name in ["ada", "nobody"] {
        let mut answered = Vec::new();
        for _ in 0..6 {
            let answer = log_in(&host, name, "a wrong password").await?;
            let (status, code) = answer.refusal();
            let detail = answer.text_at("/detail")?.to_owned();
            answered.push((
                status,
                code.to_owned(),
                detail,
                answer.header("retry-after").to_owned(),
            ));
        }
        answers.push(answered);
        // The address is forgotten too.
        clock.advance(Duration::from_secs(3700));
    }
    let [ada, nobody] = answers.as_slice() else {
        anyhow::bail!("two names were tried");
    };
    assert_eq!(ada, nobody, "what is not there is not told from what is");
    let codes: Vec<_> = ada
        .iter()
        .map(|(status, code, ..)| (*status, code.as_str()))
        .collect();
    let (wrong, throttled) = ((401, "wrong_password"), (429, "login_throttled"));
    assert_eq!(codes, [wrong, wrong, wrong, wrong, wrong, throttled]);
    assert_eq!(ada.last().map(|(.., wait)| wait.as_str()), Some("1"));
    // The right password waits as long as a wrong one.
    for _ in 0..5 {
        log_in(&host, "ada", "a wrong password")
            .await?
            .expect(401)?;
    }
    assert_eq!(log_in(&host, "ada", PASSWORD).await?.refusal(), throttled);
    clock.advance(Duration::from_secs(1));
    log_in(&host, "ada", PASSWORD).await?.expect(200)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_user_who_is_deleted_leaves_its_sessions_behind() -> Result<()> {
    let host = TestHost::start().await?;
    for name in ["ada", "bob"] {
        add_user(&host, name).await?;
    }
    let (ada, bob) = (
        logged_in(&host, "ada").await?,
        logged_in(&host, "bob").await?,
    );
    session(&ada, "adas").await?;
    assert_eq!(
        bob.get("/v1/users/ada").await?.refusal(),
        (403, "scope_required")
    );
    assert_eq!(
        bob.delete("/v1/users/ada").await?.refusal(),
        (403, "scope_required")
    );
    assert_eq!(
        bob.get("/v1/users/nobody").await?.refusal(),
        (403, "scope_required")
    );
    host.api()
        .delete("/v1/users/ada?sessionsTo=bob")
        .await?
        .expect(204)?;
    assert_eq!(ada.get("/v1/me").await?.refusal(), (401, "invalid_key"));
    assert_eq!(
        names(&bob.get("/v1/sessions").await?.expect(200)?),
        ["adas"]
    );
    // Everybody may end itself.
    bob.delete("/v1/users/bob").await?.expect(204)?;
    let left = host.api().get("/v1/sessions/adas").await?.expect(200)?;
    ensure!(left.body.get("owner").is_none(), "{}", left.body);
    assert_eq!(
        host.api().get("/v1/users/bob").await?.refusal(),
        (404, "unknown_user")
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn logins_and_keys_outlive_a_restart() -> Result<()> {
    let mut host = TestHost::start().await?;
    add_user(&host, "ada").await?;
    let login = log_in(&host, "ada", PASSWORD).await?.expect(200)?;
    let made = host
        .api()
        .post("/v1/keys", json!({ "name": "ci", "scopes": ["read"] }))
        .await?;
    let made = made.expect(201)?;
    host.restart().await?;
    for key in [login.text_at("/token")?, made.text_at("/secret")?] {
        host.api().with_key(key).get("/v1/me").await?.expect(200)?;
    }
    let refresh = json!({ "refreshToken": login.text_at("/refreshToken")? });
    host.api()
        .post("/v1/login/refresh", refresh)
        .await?
        .expect(200)?;
    host.stop().await;
    Ok(())
}

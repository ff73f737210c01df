//! Uploads, and what is served by name.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use warbler_app::Settings;
use warbler_app::limits::Rate;
use warbler_domain::Content;
use warbler_domain::media::{Media, MediaKind, MediaSource};

use super::harness::{Answer, IMAGE, KEY, MEDIA_KEY, TestApi};
use crate::caller::Peer;

/// A picture of 3 × 2 pixels.
fn picture() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 3, 2);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header()?.write_image_data(&[0; 6])?;
    Ok(bytes)
}

async fn upload(
    api: &TestApi,
    query: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> anyhow::Result<Answer> {
    let mut request =
        Request::post(format!("/v1/media{query}")).header("authorization", format!("Bearer {KEY}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(body.into())?).await
}

async fn fetch(api: &TestApi, url: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let mut request = Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::empty())?).await
}

fn url(view: &Value) -> &str {
    view["url"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_upload_is_told_by_its_content_and_found_until_it_is_deleted() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let typed = [("content-type", "application/pdf")];
    let answer = upload(&api, "?fileName=..%2Fmenu.png", &typed, picture()?).await?;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    let view = answer.json()?;
    let id = view["id"].as_str().unwrap_or_default();
    assert_eq!(answer.header("location"), format!("/v1/media/{id}"));
    let mut shape = answer.shape()?;
    let name = url(&view).strip_prefix("/media/").unwrap_or_default();
    assert!(
        name.len() == 32 && name.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{name}"
    );
    shape["url"] = "<url>".into();
    shape["sha256"] = "<digest>".into();
    assert_eq!(
        shape,
        json!({
            "id": "<id>", "size": picture()?.len(), "mime": "image/png", "kind": "image",
            "sha256": "<digest>", "fileName": "menu.png", "width": 3, "height": 2,
            "createdAt": "<time>", "expiresAt": "<time>", "url": "<url>",
        })
    );

    let path = format!("/v1/media/{id}");
    assert_eq!(api.get(&path).await?.json()?, view);
    assert_eq!(api.call("DELETE", &path, None).await?.status.as_u16(), 204);
    for answer in [
        api.get(&path).await?,
        api.call("DELETE", &path, None).await?,
    ] {
        assert_eq!(answer.problem()?, (404, "unknown_upload".to_owned()));
    }
    let gone = fetch(&api, url(&view), &[]).await?;
    assert_eq!(gone.problem()?, (404, "unknown_media".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_form_with_a_file_is_an_upload() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let typed = [("content-type", "multipart/form-data; boundary=cut")];
    let form = "--cut\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n\
        --cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\\\a.txt\"\r\n\
        Content-Type: image/png\r\n\r\nplain text\r\n--cut--\r\n";
    let view = upload(&api, "", &typed, form).await?.json()?;
    assert_eq!(
        (&view["mime"], &view["kind"], &view["size"]),
        (&json!("text/plain"), &json!("document"), &json!(10)),
        "{view}"
    );
    assert_eq!(view["fileName"], "a.txt");

    let empty = "--cut\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--cut--\r\n";
    let refused = upload(&api, "", &typed, empty).await?;
    assert_eq!(refused.problem()?, (400, "no_file".to_owned()));
    let cut = upload(&api, "", &typed, "--cut\r\nContent-Disp").await?;
    assert_eq!(cut.problem()?, (400, "broken_body".to_owned()));
    let unbound = [("content-type", "multipart/form-data")];
    let refused = upload(&api, "", &unbound, form).await?;
    assert_eq!(refused.problem()?, (400, "broken_body".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_words() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let empty = upload(&api, "", &[], Body::empty()).await?;
    assert_eq!(empty.problem()?, (400, "empty_media".to_owned()));
    let huge = upload(&api, "", &[("content-length", "999999999999")], "x").await?;
    assert_eq!(huge.problem()?, (413, "media_too_large".to_owned()));
    let packed = upload(&api, "", &[("content-encoding", "gzip")], "x").await?;
    assert_eq!(
        packed.problem()?,
        (415, "unsupported_media_type".to_owned())
    );
    let misspelt = upload(&api, "?filename=a", &[], "x").await?;
    assert_eq!(misspelt.problem()?, (400, "invalid_query".to_owned()));
    let broken = futures_util::stream::iter([
        Ok(bytes::Bytes::from_static(b"half")),
        Err(std::io::Error::other("the line is dead")),
    ]);
    let broken = upload(&api, "", &[], Body::from_stream(broken)).await?;
    assert_eq!(broken.problem()?, (400, "broken_body".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_public_name_serves_a_picture_and_parts_of_it_without_a_key() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let bytes = picture()?;
    let view = upload(&api, "", &[], bytes.clone()).await?.json()?;
    let whole = fetch(&api, url(&view), &[]).await?;
    assert_eq!((whole.status.as_u16(), &whole.bytes[..]), (200, &bytes[..]));
    for (name, expected) in [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(whole.header(name), expected);
    }
    assert!(whole.header("content-disposition").starts_with("inline; "));

    let part = fetch(&api, url(&view), &[("range", "bytes=1-3")]).await?;
    assert_eq!((part.status.as_u16(), &part.bytes[..]), (206, &b"PNG"[..]));
    let size = bytes.len();
    assert_eq!(part.header("content-range"), format!("bytes 1-3/{size}"));
    assert_eq!(part.header("content-length"), "3");
    let beyond = fetch(&api, url(&view), &[("range", "bytes=99999-")]).await?;
    assert_eq!(beyond.status.as_u16(), 416);
    let changed = [("range", "bytes=1-3"), ("if-range", "\"other\"")];
    assert_eq!(
        fetch(&api, url(&view), &changed).await?.status.as_u16(),
        200
    );

    let tag = whole.header("etag").to_owned();
    let known = fetch(&api, url(&view), &[("if-none-match", &tag)]).await?;
    assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
    let head = Request::head(url(&view)).body(Body::empty())?;
    let head = api.send(head).await?;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), size.to_string());
    Ok(())
}

#[tokio::test]
async fn what_could_hold_a_script_is_only_a_download() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let typed = [("content-type", "text/html")];
    for (name, content) in [
        ("a.html", "<script>alert(1)</script>"),
        (
            "a.svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        ),
        ("a.jpg", "%PDF-1.7"),
    ] {
        let query = format!("?fileName={name}");
        let view = upload(&api, &query, &typed, content).await?.json()?;
        let served = fetch(&api, url(&view), &[]).await?;
        assert_eq!(served.header("content-type"), "application/octet-stream");
        assert_eq!(
            served.header("content-disposition"),
            format!("attachment; filename=\"{name}\"")
        );
    }
    Ok(())
}

#[tokio::test]
async fn only_names_that_were_given_out_lead_anywhere() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    upload(&api, "", &[], "secret").await?;
    for path in [
        "/media/abcdefghijklmnopqrstuvwxyz234567",
        "/media/..%2F..%2Fwarbler.db",
        "/media/..",
        "/media/%2e%2e%2fincoming",
        "/media/%00",
    ] {
        let answer = fetch(&api, path, &[]).await?;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
    }
    for path in ["/media", "/media/", "/v1/media/"] {
        let answer = fetch(&api, path, &[]).await?;
        assert!(matches!(answer.status.as_u16(), 404 | 401), "{path}");
    }
    Ok(())
}

fn picture_of_a_customer(view_once: bool) -> Content {
    let locator = MEDIA_KEY.to_owned();
    let source = MediaSource::Remote { locator };
    let mut medium = Media::new(MediaKind::Image, "image/png", 3, source);
    medium.view_once = view_once;
    Content::Media(medium)
}

#[tokio::test]
async fn the_media_of_messages_have_public_names_only_if_the_operator_wants_it()
-> anyhow::Result<()> {
    let mut settings = Settings::default();
    settings.media.public = true;
    let api = TestApi::with_settings(settings).await?;
    api.connected_session("shop").await?;
    api.customer_writes("IMAGE1", picture_of_a_customer(false))
        .await?;
    let events = api.get("/v1/events?kind=message.received").await?.json()?;
    let message = &events["items"][0]["message"];
    let public = message["media"]["publicUrl"].as_str().unwrap_or_default();
    assert!(
        public.starts_with("/media/") && public.len() > 50,
        "{message}"
    );
    // It is fetched from the network now, and is there from then on.
    for _ in 0..2 {
        let served = fetch(&api, public, &[]).await?;
        assert_eq!((served.status.as_u16(), &*served.bytes), (200, IMAGE));
        assert_eq!(served.header("content-type"), "image/png");
    }
    let guessed = format!(
        "{}a",
        public.strip_suffix(|_: char| true).unwrap_or_default()
    );
    let guessed = fetch(&api, &guessed.replace("/media/a", "/media/b"), &[]).await?;
    assert_eq!(guessed.problem()?, (404, "unknown_media".to_owned()));
    api.customer_writes("IMAGE2", picture_of_a_customer(true))
        .await?;
    let events = api.get("/v1/events?kind=message.received").await?.json()?;
    let once = &events["items"][0]["message"]["media"];
    assert!(once["publicUrl"].is_null(), "what is shown once stays here");
    let id = message["id"].as_str().unwrap_or_default();
    api.call("DELETE", &format!("/v1/messages/{id}"), None)
        .await?;
    let gone = fetch(&api, public, &[]).await?;
    assert_eq!(gone.problem()?, (404, "unknown_media".to_owned()));

    let closed = TestApi::start().await?;
    closed.connected_session("shop").await?;
    closed
        .customer_writes("IMAGE1", picture_of_a_customer(false))
        .await?;
    let events = closed.get("/v1/events?kind=message.received").await?;
    let medium = &events.json()?["items"][0]["message"]["media"];
    assert!(medium["url"].is_string() && medium["publicUrl"].is_null());
    Ok(())
}

#[tokio::test]
async fn files_that_are_served_by_name_have_a_limit_of_their_own() -> anyhow::Result<()> {
    let mut settings = Settings::default();
    // One a minute, so that none comes free while this asks.
    settings.access.limits.address = Rate::new(1, 1);
    settings.access.limits.download = Rate::new(1, 3);
    let api = TestApi::with_settings(settings).await?;
    let view = upload(&api, "", &[], picture()?).await?.json()?;
    let peer = Peer("192.0.2.9:1".parse()?);
    let ask = |path: &str| {
        let request = Request::get(path).extension(peer).body(Body::empty());
        let api = &api;
        async move { anyhow::Ok(api.send(request?).await?.status.as_u16()) }
    };
    assert_eq!((ask("/docs").await?, ask("/docs").await?), (200, 429));
    for expected in [200, 200, 200, 429] {
        assert_eq!(ask(url(&view)).await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_preview_of_a_link_shows_the_picture_it_is_given() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let view = upload(&api, "", &[], picture()?).await?.json()?;
    let send = |thumbnail: Value| {
        let preview =
            json!({ "url": "https://example.com", "title": "Example", "thumbnail": thumbnail });
        let text = "look: https://example.com";
        let body = json!({ "to": "+15550123", "text": text, "preview": preview });
        api.call("POST", "/v1/sessions/shop/messages", Some(body))
    };
    let data = data_encoding::BASE64.encode(&picture()?);
    for thumbnail in [
        json!({ "upload": view["id"] }),
        json!({ "data": data }),
        json!({ "data": format!("data:image/png;base64,{data}") }),
    ] {
        let sent = send(thumbnail).await?;
        assert_eq!(sent.status.as_u16(), 202, "{sent:?}");
        let id = sent.json()?["id"].as_str().unwrap_or_default().parse()?;
        let host = warbler_domain::Caller::host();
        let message = api.app.messages().get(&host, id).await?.message;
        let Content::Text(text) = message.content else {
            anyhow::bail!("not a text");
        };
        let preview = text.preview.and_then(|preview| preview.thumbnail);
        assert!(preview.is_some(), "a small picture is stored");
    }
    for (thumbnail, code) in [
        (json!({}), "bad_media_source"),
        (json!({ "data": "AAAA" }), "media_wrong_type"),
        (
            json!({ "data": data_encoding::BASE64.encode(IMAGE) }),
            "bad_preview",
        ),
    ] {
        let refused = send(thumbnail).await?;
        assert_eq!(refused.problem()?, (400, code.to_owned()));
    }
    Ok(())
}

//! Uploads, and what is served by name.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::harness::{Answer, KEY, TestApi};

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

//! The table of problems: every `code`, what it means and what to do about it.
//!
//! A test holds it against what the routes say that they refuse with.

use std::collections::BTreeMap;

use crate::mount::Route;

/// One code.
pub(in crate::native) struct Known {
    pub(in crate::native) code: &'static str,
    pub(in crate::native) meaning: &'static str,
    pub(in crate::native) remedy: &'static str,
}

/// The statuses of each code, as the routes use them.
pub(in crate::native) fn statuses(routes: &[Route]) -> BTreeMap<&'static str, Vec<u16>> {
    let mut found: BTreeMap<&'static str, Vec<u16>> = BTreeMap::new();
    let everywhere = [("unknown_path", 404), ("method_not_allowed", 405)];
    let said = routes.iter().flat_map(|route| {
        let refusals = route.refusals.iter();
        refusals.flat_map(|(status, codes)| codes.iter().map(|code| (*code, *status)))
    });
    for (code, status) in said.chain(everywhere) {
        let statuses = found.entry(code).or_default();
        if !statuses.contains(&status) {
            statuses.push(status);
            statuses.sort_unstable();
        }
    }
    found
}

/// The row of a code.
pub(in crate::native) fn known(code: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.code == code)
}

const fn row(code: &'static str, meaning: &'static str, remedy: &'static str) -> Known {
    Known {
        code,
        meaning,
        remedy,
    }
}

/// Every code, in the order of the alphabet.
#[rustfmt::skip] // One row a line.
pub(in crate::native) const KNOWN: &[Known] = &[
    row("about_too_long", "The text under a profile is too long.", "Shorten it to 139 characters."),
    row("address_book_full", "The session has as many saved names as it may have.", "Delete some first."),
    row("admin_is_unlimited", "An admin key reaches every session.", "Leave `sessions` out, or choose a smaller scope."),
    row("already_paired", "The session is linked to a phone already.", "Log it out first if another phone is meant."),
    row("audience_needs_status", "Only a status has an audience.", "Leave `audience` out, or send to `status@broadcast`."),
    row("audience_too_large", "A status is for too many people.", "Name fewer people in `audience`."),
    row("bad_batch", "The batch is empty or too long.", "Send as many messages at once as the route says."),
    row("bad_contact_card", "A contact card cannot be read.", "Send a vCard, or a name with at least one number."),
    row("bad_contacts", "A contact card is missing, or there are too many.", "Give each card a name and a number."),
    row("bad_email", "The text is no e-mail address.", "Write it as `name@example.com`."),
    row("bad_emoji", "A reaction is one emoji.", "Send one emoji; an empty text takes the reaction back."),
    row("bad_event_id", "The text is not the id of an event.", "Use the `id` of an event as it was shown."),
    row("bad_idempotency_key", "The `Idempotency-Key` cannot be used.", "Use 1 to 255 visible ASCII characters."),
    row("bad_invite", "The text is no invitation to a group.", "Give the link, `https://chat.whatsapp.com/…`, or the code behind it."),
    row("bad_key_name", "A key cannot have this name.", "Use 1 to 100 characters, none of them control characters."),
    row("bad_location", "The place is not on the globe.", "Latitudes go from -90 to 90, longitudes from -180 to 180."),
    row("bad_media_data", "The base64 or the data URL cannot be read.", "Encode the bytes as base64, with or without `data:…;base64,`."),
    row("bad_media_source", "It is not said where the file is, or twice.", "Send exactly one of `upload`, `url` and `data`."),
    row("bad_members", "The list of members is empty, too long or names somebody twice.", "Correct the list."),
    row("bad_message_id", "The text is not the id of a message.", "Use an `id` or a `whatsappId` as it was shown."),
    row("bad_name", "The name is empty or too long.", "Use as many characters as the route says."),
    row("bad_name_filter", "The part of a name to look for is too long.", "Look for at most 100 characters."),
    row("bad_number_count", "Too few or too many numbers at once.", "Ask for as many as the route says."),
    row("bad_pacing", "The pacing contradicts itself.", "Correct the field that `detail` names."),
    row("bad_password", "The password is too short, too long or too simple.", "Choose a longer one."),
    row("bad_personal_name", "The name of a person is too long or has control characters.", "Shorten it."),
    row("bad_phone_number", "The text is no phone number.", "Write it with country code, digits only, such as `15550100`."),
    row("bad_poll", "WhatsApp would not show this poll.", "Ask something, with 2 to 12 different options."),
    row("bad_preview", "The preview of a link is incomplete.", "Give it a title and the URL that stands in the text."),
    row("bad_recipient", "The recipient is neither a number nor an address.", "Write a number with country code, a JID or a group id."),
    row("bad_role", "There is no such role.", "Use `admin` or `user`."),
    row("bad_scope", "There is no such scope.", "Use `read`, `send`, `manage` or `admin`."),
    row("bad_search", "There is no word in the text to look for, or it is too long.", "Give 1 to 256 characters with a letter or a digit among them."),
    row("bad_session_name", "A session cannot have this name.", "Use 1 to 64 letters, digits, dots, dashes and underscores."),
    row("bad_subject", "A group cannot have this subject.", "Use 1 to 100 characters."),
    row("bad_text", "The text is empty or too long.", "Write 1 to 65,536 bytes."),
    row("bad_time", "The text is no time.", "Write it like `2026-05-04T09:30:00Z`."),
    row("bad_type", "There is no such type of message.", "Use the types that the messages themselves name."),
    row("bad_user_name", "A user cannot have this name.", "Use letters, digits, dots, dashes and underscores."),
    row("body_timeout", "The body did not arrive in time.", "Send it again, faster."),
    row("body_too_large", "The body is larger than the route accepts.", "Send less; large media go to the upload route."),
    row("broken_body", "The body ended before it was complete.", "Send it again."),
    row("broken_picture", "The picture cannot be read.", "Send a JPEG, PNG, GIF or WebP that other programs can open."),
    row("busy", "Too much of this kind is being done at once.", "Try again after `Retry-After` seconds."),
    row("call_over", "The call has ended.", "Nothing is left to do."),
    row("caption_not_possible", "This kind of message has no caption.", "Send the text as a message of its own."),
    row("current_password_needed", "A password is changed with the one before.", "Send `currentPassword` too."),
    row("description_too_long", "The description of a group is too long.", "Shorten it."),
    row("disk_full", "The disk, or the room that the database may take, is full. Nothing was changed.", "Make room; the host goes on by itself."),
    row("edit_too_late", "WhatsApp allows an edit for 15 minutes only.", "Send a new message."),
    row("empty_media", "The file has no bytes.", "Send one that has."),
    row("empty_text", "The text is empty.", "Write something."),
    row("engine_cannot", "The WhatsApp engine of this host cannot do this.", "`warbler doctor` names the engine; there is no other way yet."),
    row("everybody_needs_group", "Only in a group can everybody be mentioned.", "Leave it out, or send to a group."),
    row("expired_already", "The time of expiry has passed.", "Choose a later one."),
    row("idempotency_in_flight", "The first request with this key is still being answered.", "Wait for it; then the same request gets the same answer."),
    row("idempotency_key_reused", "The key was used for another request.", "Use a new key for every new request."),
    row("internal", "Something went wrong inside.", "The log says more; please report it."),
    row("invalid_body", "A field of the body is wrong.", "`field`, `line` and `column` say where."),
    row("invalid_json", "The body is not JSON.", "`line` and `column` say where it breaks."),
    row("invalid_key", "The key or token is wrong, was revoked or has expired.", "Use a key that is good; an admin can make one."),
    row("invalid_path", "A part of the path is wrong.", "Use ids and names as they were shown."),
    row("invalid_query", "A parameter of the query is wrong or unknown.", "`detail` names it."),
    row("invalid_refresh_token", "The refresh token is wrong, was used already or has ended.", "Log in again."),
    row("limited_to_sessions", "The key reaches some sessions only.", "Use a key that reaches all of them."),
    row("login_throttled", "Too many failed logins.", "Wait `Retry-After` seconds."),
    row("media_busy", "Too many media are being taken in at once.", "Try again after `Retry-After` seconds."),
    row("media_damaged", "The content is not what its sender said.", "Ask the sender to send it again."),
    row("media_expired", "The upload has expired.", "Upload it again."),
    row("media_gone", "The medium is no longer stored, here or at WhatsApp.", "Ask the sender to send it again."),
    row("media_store", "The media folder cannot be used.", "The log says more; look at its rights and its disk."),
    row("media_too_large", "The medium is larger than `[media]` allows.", "Send a smaller one, or raise the limit."),
    row("media_unavailable", "The medium could not be loaded now.", "Try again later."),
    row("media_wrong_type", "The content is not of the kind that was named.", "Send it as what it is, or as a document."),
    row("message_not_failed", "Only a message that was given up can be tried again.", "Look at its `status`."),
    row("message_not_waiting", "The message is not waiting any more.", "Look at its `status`."),
    row("message_still_waiting", "The message has not gone out yet.", "Wait, or cancel it."),
    row("message_under_way", "The message is just going out.", "Look at its `status` in a moment."),
    row("method_not_allowed", "The path does not answer this method.", "`Allow` says which it answers."),
    row("missing_body", "The route needs a JSON body.", "Send one."),
    row("missing_key", "No key was shown.", "Send `Authorization: Bearer <key>` or `X-API-Key: <key>`."),
    row("name_not_saved", "No name is saved for this person.", "Nothing is left to do."),
    row("network_limit", "WhatsApp asks to do this less often.", "Wait before trying again."),
    row("network_refused", "WhatsApp refused it.", "`detail` says what is known."),
    row("network_timeout", "WhatsApp did not answer in time.", "Try again."),
    row("no_audience", "Nobody is there to see the status.", "Name people in `audience`."),
    row("no_change", "The request names nothing to change.", "Name at least one field to change."),
    row("no_content", "The message says nothing.", "Give it a `text`, `media` or another content."),
    row("no_file", "The upload has no file.", "Send the bytes as the body, or as the part `file`."),
    row("no_media", "The message carries no medium.", "Only messages with media have one to load."),
    row("no_picture", "There is no picture, or it is not shown to this account.", "Nothing is left to do."),
    row("no_picture_given", "The request names no picture.", "Give `data`, `url` or `upload`."),
    row("no_qr_yet", "WhatsApp has not offered a QR yet.", "Ask again in a second."),
    row("no_session_token", "The session has no token.", "Make one first."),
    row("not_a_group", "The address is not that of a group.", "Use an id that ends in `@g.us`."),
    row("not_a_login", "The caller has not logged in: it shows a key.", "Use the token of a login."),
    row("not_a_person", "The address is not that of a person.", "Use a number or the JID of a person."),
    row("not_a_poll", "The message is no poll.", "Vote on a poll."),
    row("not_a_status", "The message is no status.", "Use the id of a status."),
    row("not_allowed", "The account may not do this.", "Only an admin of the group, or the author, may."),
    row("not_editable", "This kind of message cannot be edited.", "Send a new one."),
    row("not_for_admins", "This cannot be done to an admin.", "Choose another user."),
    row("not_forwardable", "This kind of message cannot be forwarded.", "Send its content anew."),
    row("not_own_message", "The account did not write the message.", "Only own messages can be changed."),
    row("not_paired", "The session is not linked to a phone.", "Pair it first."),
    row("not_sent", "The message has not gone out.", "Wait until it is `sent`."),
    row("not_writable", "The account cannot write there.", "Look at the settings of the group."),
    row("own_heir", "A user cannot leave sessions to itself.", "Name another user."),
    row("qr_image", "The QR could not be drawn.", "Ask for it as text."),
    row("quote_not_possible", "This kind of message cannot quote another.", "Leave `quote` out."),
    row("rate_limited", "Too many requests.", "Wait `Retry-After` seconds; `RateLimit-*` show the limits."),
    row("revoke_not_allowed", "The account may not take this message back.", "Only its author and admins of the group may."),
    row("revoke_too_late", "WhatsApp no longer allows to take the message back.", "Nothing is left to do."),
    row("scope_required", "The key has not the scope that this needs.", "`detail` names it; use another key."),
    row("scope_too_wide", "A caller cannot give what it does not have.", "Choose a smaller scope."),
    row("send_at_past", "`sendAt` has passed.", "Choose a later time, or leave it out."),
    row("send_at_too_far", "`sendAt` is too far away.", "Choose an earlier time."),
    row("session_name_taken", "Another session has this name.", "Choose another."),
    row("session_not_connected", "The session is not connected now.", "Wait until its `state` is `connected`."),
    row("session_not_running", "The session is not running.", "Start it."),
    row("several_contents", "The message says several things at once.", "Send one content in one message."),
    row("several_pictures", "The request names several pictures.", "Give one of `data`, `url` and `upload`."),
    row("stopping", "The host is stopping.", "Try again when it runs."),
    row("store_unavailable", "The database did not answer, and nothing was changed; or the disk did not confirm a write, which `/readyz` then says for good.", "Try again; the log says more. After a failed disk, look after it and start the host again."),
    row("text_too_long", "The text is too long.", "Write at most 65,536 bytes."),
    row("token_expired", "The token of the login has expired.", "Renew it with the refresh token."),
    row("too_many_choices", "More options were chosen than the poll allows.", "Choose fewer."),
    row("too_many_keys", "There are too many keys.", "Revoke some."),
    row("too_many_mentions", "Too many people are mentioned.", "Mention fewer."),
    row("too_many_streams", "Too many event streams are open.", "Close one, or read `/v1/events`."),
    row("unknown_call", "There is no such call now.", "Use the `id` of a call that rings."),
    row("unknown_chat", "There is no such chat.", "Use a chat as it was shown."),
    row("unknown_contact", "There is no such contact.", "Use a contact as it was shown."),
    row("unknown_event", "There is no such event, or it is no longer stored.", "Use the `id` of an event as it was shown."),
    row("unknown_field", "The body has a field that does not exist here.", "`field` names it; leave it out or correct it."),
    row("unknown_group", "The account is in no such group.", "Use a group as it was shown."),
    row("unknown_key", "There is no such key.", "Use an `id` of `/v1/keys`."),
    row("unknown_media", "There is no such medium.", "Use a name as it was given."),
    row("unknown_message", "There is no such message.", "Use the `id` of a message as it was shown."),
    row("unknown_option", "The poll has no such option.", "Use an option of the poll, letter by letter."),
    row("unknown_path", "Nothing is served at this path.", "This page lists what is."),
    row("unknown_session", "There is no such session, or the key does not reach it.", "Use a name or id of `/v1/sessions`."),
    row("unknown_target", "The message that this one is about is not known here.", "Use the `id` of a message of this chat."),
    row("unknown_to_network", "WhatsApp does not know this.", "Correct the number, address or code."),
    row("unknown_upload", "There is no such upload, or it has expired.", "Upload it again."),
    row("unknown_user", "There is no such user.", "Use a name or id of `/v1/users`."),
    row("unsupported_media_type", "The body is of a type that the route does not read.", "Send it with the `Content-Type` that the route names."),
    row("upgrade_required", "The route speaks WebSocket.", "Connect with a WebSocket client, or use `/v1/events/stream`."),
    row("url_bad_redirect", "The URL leads on to something that is no URL.", "Use the address where the file is."),
    row("url_credentials", "The URL holds a name or password.", "Use one without."),
    row("url_insecure_redirect", "The URL leads from `https` to `http`.", "Use the address where the file is."),
    row("url_invalid", "The text is no URL.", "Write it as `https://example.com/file.jpg`."),
    row("url_not_allowed", "The URL leads to an address that is not public.", "The operator can allow it under `[network] outbound_allow`."),
    row("url_scheme", "Only `http` and `https` are fetched.", "Use such a URL, or upload the file."),
    row("url_status", "The server of the URL answered with an error.", "Look whether the URL opens elsewhere."),
    row("url_timeout", "The server of the URL took too long.", "Try again, or upload the file."),
    row("url_too_large", "What the URL serves is larger than allowed.", "Use a smaller file."),
    row("url_too_many_redirects", "The URL leads on too often.", "Use the address where the file is."),
    row("url_unreachable", "The server of the URL cannot be reached.", "Look whether the URL opens elsewhere."),
    row("user_taken", "Another user has this name or e-mail address.", "Choose another."),
    row("view_once_not_possible", "This kind of message cannot be viewed once.", "Only pictures, films and voice notes can."),
    row("wrong_current_password", "The password before is wrong.", "Correct it."),
    row("wrong_password", "Name or password is wrong.", "Correct them."),
];

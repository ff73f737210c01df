// Generated from wit/ by jco; do not edit.

declare module 'warbler:plugin/config' {
  /**
   * That table as a JSON object, `{}` when there is none; at most 256 KiB. It changes only
   * together with the plugin's generation.
   */
  export function get(): string;
}

declare module 'warbler:plugin/event-handler' {
  /**
   * Called once for each event the plugin's filter lets through, each time in a fresh
   * instance: nothing in memory survives; use `kv` for what has to.
   *
   * Limits of one call: 250 ms of time, 50 ms of CPU, 32 MiB of memory, 32 actions with
   * 256 KiB of text, 100 log lines. Actions and kv writes happen after the call, together, and
   * only if it succeeds. An `err` is shown to the operator as the fault `guest-error`.
   */
  export function handle(event: Event): Verdict;
  export type Event = import('warbler:plugin/types').Event;
  export type Verdict = import('warbler:plugin/types').Verdict;
}

declare module 'warbler:plugin/history' {
  /**
   * Messages of `chat`, or of the event's; at most `limit`, and at most 100. `after` is the
   * `next` of the page before. A page may have fewer than asked for and still a next one.
   *
   * Codes: `bad-recipient`, `bad-cursor`.
   */
  export function messages(chat: string | undefined, after: string | undefined, limit: number): Page;
  /**
   * The message with this WhatsApp id, if it is known and in a chat that may be read.
   *
   * Codes: `bad-target`.
   */
  export function find(whatsappId: string): Message | undefined;
  export type Refusal = import('warbler:plugin/types').Refusal;
  /**
   * A stored message.
   */
  export interface Message {
    /**
     * This host's id of it, a UUID.
     */
    id: string,
    /**
     * The network's id of it.
     */
    whatsappId: string,
    /**
     * The chat it is in.
     */
    chat: string,
    /**
     * Who wrote it.
     */
    sender: string,
    /**
     * The name the sender showed. The sender chose it: never trust it.
     */
    senderName?: string,
    /**
     * Whether the session's own account wrote it.
     */
    fromMe: boolean,
    /**
     * What it is: `text`, `image`, `reaction`, … More words may come.
     */
    kind: string,
    /**
     * What a person would read in it.
     */
    text?: string,
    /**
     * When it was written, in milliseconds since 1970-01-01 UTC.
     */
    timestamp: bigint,
    /**
     * Everything else, as one JSON object; the same keys as in an event of it.
     */
    body: string,
  }
  /**
   * A page of messages.
   */
  export interface Page {
    /**
     * The newest first.
     */
    items: Array<Message>,
    /**
     * Where the next page begins; absent on the last one.
     */
    next?: string,
  }
}

declare module 'warbler:plugin/http' {
  /**
   * Makes a request and waits for the whole answer.
   *
   * Codes: `not-granted`, `bad-url`, `bad-request`, `not-public` (the address is not on the
   * public internet), `unreachable`, `timeout`, `too-large`.
   */
  export function fetch(request: Request): Response;
  export type Refusal = import('warbler:plugin/types').Refusal;
  /**
   * A request.
   */
  export interface Request {
    /**
     * `GET`, `POST`, …
     */
    method: string,
    /**
     * The whole URL; at most 4 KiB.
     */
    url: string,
    /**
     * Names and values; at most 64. Those that concern the connection are left out.
     */
    headers: Array<[string, string]>,
    /**
     * The body; empty for none.
     */
    body: Uint8Array,
  }
  /**
   * An answer, whatever its status.
   */
  export interface Response {
    /**
     * Its status, such as 200.
     */
    status: number,
    /**
     * Names, in lower case, and values.
     */
    headers: Array<[string, string]>,
    /**
     * The body.
     */
    body: Uint8Array,
  }
}

declare module 'warbler:plugin/kv' {
  /**
   * The value under `key`.
   */
  export function get(key: string): Uint8Array | undefined;
  /**
   * Puts `value` under `key`, for ever or for so many seconds.
   *
   * Codes: `value-too-large`, `space-full`, `too-many-writes`.
   */
  export function set(key: string, value: Uint8Array, ttlSeconds: bigint | undefined): void;
  /**
   * Takes `key` away; no matter whether it was there.
   *
   * Codes: `too-many-writes`.
   */
  export { _delete as delete };
  function _delete(key: string): void;
  /**
   * Adds `by` to the whole number under `key`, kept as decimal text and 0 when absent, and
   * answers the sum. Calls at the same time lose no addition.
   *
   * Codes: `not-a-number`, `space-full`, `too-many-writes`.
   */
  export function increment(key: string, by: bigint): bigint;
  /**
   * The keys that begin with `prefix` and come after `after`, in the order of their bytes; at
   * most `limit` of them, and at most 1,000. Both texts may be empty.
   */
  export function list(prefix: string, after: string, limit: number): Array<string>;
  export type Refusal = import('warbler:plugin/types').Refusal;
}

declare module 'warbler:plugin/lifecycle' {
  /**
   * Called once when a version is loaded, before it handles anything: look at the config here. It
   * may log and read `config` and `secrets`; nothing it keeps in memory is there later. An
   * `err` is the fault `init-failed`: the version is not loaded, and the one before keeps running.
   *
   * Limits: 2 s of time and of computing, otherwise those of `event-handler.handle`.
   */
  export function init(): void;
}

declare module 'warbler:plugin/log' {
  /**
   * Notes one line. `level` is `debug`, `info`, `warn` or `error`; other words of up to 16 bytes
   * are kept as they are. Lines are cut at 4 KiB; the 101st line of a call ends it with the
   * fault `log-limit`. Never log a person's messages.
   */
  export function log(level: string, message: string): void;
}

declare module 'warbler:plugin/outbox' {
  /**
   * Writes `text` (1 byte to 64 KiB) into the chat the event came from; `quote` makes it answer
   * the event's message visibly. Needs no grant.
   *
   * Codes: `no-chat` (the event came from no chat), `empty-text`, `text-too-long`.
   */
  export function reply(text: string, quote: boolean): void;
  /**
   * Writes `text` (1 byte to 64 KiB) to a phone number or JID.
   *
   * Codes: `not-granted`, `bad-recipient`, `empty-text`, `text-too-long`.
   */
  export function sendText(to: string, text: string): void;
  /**
   * Reacts with one `emoji` (at most 64 bytes; empty takes the reaction back) to the message
   * with the WhatsApp id `target` in the event's chat, or to the event's own message.
   *
   * Codes: `no-chat`, `no-message` (there is no target and the event is about no message),
   * `bad-target`, `text-too-long`.
   */
  export function react(target: string | undefined, emoji: string): void;
  /**
   * Sends a medium.
   *
   * `form` is `image`, `video`, `gif`, `audio`, `voice`, `document` or `sticker`. `source` is an
   * `http` or `https` URL of at most 4 KiB, or the id of an upload (`/v1/media`). The host
   * fetches a URL itself, from the public internet only, so it needs no `http` grant. `caption`
   * has at most 64 KiB; `file-name` is what recipients see a document called.
   *
   * What only shows when it is fetched (nothing there, too large, another type) is the fault
   * `bad-action`, and nothing of the call is carried out.
   *
   * Codes: `no-chat`, `not-granted`, `bad-recipient`, `bad-form`, `bad-source`,
   * `text-too-long`.
   */
  export function sendMedia(to: string | undefined, form: string, source: string, caption: string | undefined, fileName: string | undefined): void;
  /**
   * Sends a place: degrees north (-90 to 90) and east (-180 to 180), and what is there.
   *
   * Codes: `no-chat`, `not-granted`, `bad-recipient`, `bad-place`, `text-too-long` (a name of
   * more than 1 KiB).
   */
  export function sendLocation(to: string | undefined, latitude: number, longitude: number, name: string | undefined): void;
  /**
   * Sends an address-book entry: a name (1 byte to 1 KiB) and 1 to 10 phone numbers.
   *
   * Codes: `no-chat`, `not-granted`, `bad-recipient`, `bad-contact`.
   */
  export function sendContact(to: string | undefined, name: string, phones: Array<string>): void;
  /**
   * Gives the account's own message with the WhatsApp id `target`, in the event's chat, a new
   * text. WhatsApp allows it for 15 minutes; later it is the fault `bad-action`.
   *
   * Codes: `no-chat`, `bad-target`, `empty-text`, `text-too-long`.
   */
  export function edit(target: string, text: string): void;
  /**
   * Takes the message with the WhatsApp id `target`, in the event's chat, back for everyone: the
   * account's own, or as an admin of a group anybody's.
   *
   * Codes: `no-chat`, `bad-target`.
   */
  export function revoke(target: string): void;
  /**
   * Marks the event's chat as read.
   *
   * Codes: `no-chat`.
   */
  export function markRead(): void;
  /**
   * Shows in the event's chat that the account writes (`composing`), records (`recording`) or
   * has stopped (`paused`).
   *
   * Codes: `no-chat`, `bad-state`.
   */
  export function setTyping(state: string): void;
  /**
   * Makes an event of the plugin's own, for every extension whose filter wants it. `kind` is
   * `custom.` and up to 57 lower-case letters, digits, `.`, `-` and `_`; `data` is one JSON
   * object of at most 64 KiB, found at `data` in that event's body. After eight events that led
   * to one another the ninth is the fault `loop-guard`.
   *
   * Codes: `bad-kind`, `bad-data`.
   */
  export function emit(kind: string, data: string): void;
  export type Refusal = import('warbler:plugin/types').Refusal;
}

declare module 'warbler:plugin/schedule' {
  /**
   * Sets the timer `name` (1 to 64 bytes) of the event's chat to so many seconds from now, 1 to
   * 31,622,400 (366 days). One of that name in that chat is set anew. `data` is one JSON object
   * of at most 16 KiB. A plugin has at most 1,000 timers.
   *
   * Codes: `bad-name`, `bad-time`, `bad-data`, `too-many-timers`, `unavailable`.
   */
  export function setTimer(name: string, afterSeconds: bigint, data: string): void;
  /**
   * Takes the timer `name` of the event's chat away; no matter whether it was there.
   *
   * Codes: `bad-name`.
   */
  export function cancelTimer(name: string): void;
  export type Refusal = import('warbler:plugin/types').Refusal;
}

declare module 'warbler:plugin/secrets' {
  /**
   * The secret with this name. The manifest asks for it (`secrets = ["crm_token"]` under
   * `[capabilities]`) and the operator grants it. In the plugin's log it shows as `***`.
   *
   * Codes: `not-granted`, `not-set` (it is granted, and the operator's configuration has none
   * of that name).
   */
  export function get(name: string): string;
  export type Refusal = import('warbler:plugin/types').Refusal;
}

declare module 'warbler:plugin/template-renderer' {
  /**
   * Writes one message: its text, 1 byte to 64 KiB.
   *
   * Limits are those of `event-handler.handle`. An `err` is the fault `guest-error`, and this
   * recipient gets nothing.
   */
  export function render(what: Rendering): string;
  /**
   * One message to write.
   */
  export interface Rendering {
    /**
     * This host's id of it; the same when it is written again.
     */
    id: string,
    /**
     * The name of the session that sends it.
     */
    sessionName: string,
    /**
     * The template, as the campaign has it.
     */
    template: string,
    /**
     * To whom, a JID.
     */
    to: string,
    /**
     * What the recipient is called, where that is known.
     */
    name?: string,
    /**
     * What else the campaign knows of the recipient: names and values.
     */
    fields: Array<[string, string]>,
    /**
     * When it is written, in milliseconds since 1970-01-01 UTC.
     */
    timestamp: bigint,
    /**
     * Everything else, as one JSON object.
     */
    body: string,
  }
}

declare module 'warbler:plugin/types' {
  /**
   * What came with a message besides text. Its bytes are not in here.
   */
  export interface MediaRef {
    /**
     * `image`, `video`, `audio`, `document` or `sticker`.
     */
    kind: string,
    /**
     * The content type the sender named, such as `image/png`. Not checked by the host.
     */
    mime: string,
    /**
     * Size in bytes as the sender named it.
     */
    size: bigint,
    /**
     * SHA-256 of the content in lower-case hexadecimal, once this host has the bytes.
     */
    digest?: string,
  }
  /**
   * Something that happened in a session.
   *
   * Addresses are JIDs: `15550100@s.whatsapp.net` (a phone number), `123456@lid` (a person
   * whose number is hidden) or `120363000000000000@g.us` (a group).
   */
  export interface Event {
    /**
     * This host's id of the event, a UUID; the same when an event is run again.
     */
    id: string,
    /**
     * What kind of event it is: `message.received`, `message.sent`, `message.failed`, `message.cancelled`,
     * `message.edited`, `message.revoked`, `message.reaction`, `message.vote`,
     * `message.receipt`, `status.received`, `presence`, `call`, `group.updated`,
     * `chat.updated`, `contact.updated`, `session.status`, `session.qr`, `timer`, and what
     * extensions call their own, `custom.…`. More words may come; ignore those you do not
     * know.
     */
    kind: string,
    /**
     * The session's id, a UUID.
     */
    session: string,
    /**
     * The session's name, as the operator chose it.
     */
    sessionName: string,
    /**
     * The chat it happened in; absent for events of the session itself.
     */
    chat?: string,
    /**
     * Who did it, where that is known.
     */
    sender?: string,
    /**
     * The name the sender shows to others. The sender chose it: never trust it.
     */
    senderName?: string,
    /**
     * Whether the session's own account did it, through this host or another device.
     */
    fromMe: boolean,
    /**
     * Whether the chat is a group.
     */
    isGroup: boolean,
    /**
     * What a person would read: the text or a medium's caption, at most 64 KiB.
     */
    text?: string,
    /**
     * When it happened, in milliseconds since 1970-01-01 UTC, by the network's clock for
     * messages and by this host's clock for everything else.
     */
    timestamp: bigint,
    /**
     * The network's id of the message this is about; what `outbox.react` takes as target.
     */
    whatsappId?: string,
    /**
     * The network's id of the message that this one answers.
     */
    quotedId?: string,
    /**
     * The medium, when the message has one.
     */
    media?: MediaRef,
    /**
     * Everything else, as one JSON object; its keys depend on `kind` and are listed in the
     * plugin guide.
     */
    body: string,
  }
  /**
   * Whether the extensions after this one are asked too.
   * # Variants
   *
   * ## `"next"`
   *
   * They are.
   * ## `"stop"`
   *
   * They are not; what was asked for so far still happens.
   */
  export type Verdict = 'next' | 'stop';
  /**
   * Why the host did not do what it was asked.
   */
  export interface Refusal {
    /**
     * A stable word to act on; each function lists its own.
     */
    code: string,
    /**
     * What to do about it, in words for the plugin's author or the operator.
     */
    message: string,
  }
}

declare module 'warbler:plugin/webhook-transformer' {
  /**
   * Shapes one delivery; with no answer inside the result nothing is delivered.
   *
   * Limits are those of `event-handler.handle`. An `err` is the fault `guest-error`, and the
   * delivery goes out as it was.
   */
  export function transform(what: Delivery): Transformed | undefined;
  /**
   * One delivery.
   */
  export interface Delivery {
    /**
     * This host's id of it; the same at every attempt.
     */
    id: string,
    /**
     * The kind of the event it tells, such as `message.received`.
     */
    kind: string,
    /**
     * The name of the session the event happened in.
     */
    sessionName: string,
    /**
     * How it is sent, such as `POST`.
     */
    method: string,
    /**
     * Where it goes, a URL.
     */
    url: string,
    /**
     * Its content type.
     */
    contentType: string,
    /**
     * What would be sent: at most 1 MiB.
     */
    payload: Uint8Array,
    /**
     * When it is made, in milliseconds since 1970-01-01 UTC.
     */
    timestamp: bigint,
    /**
     * Everything else, as one JSON object.
     */
    body: string,
  }
  /**
   * What is sent instead.
   */
  export interface Transformed {
    /**
     * How it is sent: `POST`, `PUT`, `PATCH`, `DELETE` or `GET`; none leaves it as it was.
     */
    method?: string,
    /**
     * The path and the query it goes to, such as `/leads/7?source=whatsapp`, at most 2 KiB;
     * none leaves them as they were. It always goes to the endpoint's own server.
     */
    path?: string,
    /**
     * Its content type.
     */
    contentType: string,
    /**
     * The bytes, at most 256 KiB. They are signed, and the same at every attempt.
     */
    payload: Uint8Array,
    /**
     * Headers to add: names and values, at most 32, together at most 8 KiB.
     */
    headers: Array<[string, string]>,
  }
}

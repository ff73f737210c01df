// Baileys as a companion device of a simulated phone.
//
// It is led to the simulated network by its own options alone: the address of the WebSocket, and an
// agent for uploads. Downloads have no option for their address, so `fetch` of this process is
// wrapped. Nothing in Baileys is changed. It looks at the signatures of the server's certificates,
// but takes any; the host's own tests verify them.

import { Agent } from 'node:https';
import { connect } from 'node:net';
import makeWASocket, { BufferJSON, DisconnectReason, downloadMediaMessage, initAuthCreds, proto } from 'baileys';
import { check, eventually, Failed, PATIENCE } from './steps.js';

// Baileys' Signal library prints what it cannot read, keys and all.
for (const word of ['log', 'info', 'warn', 'error']) console[word] = () => {};

/** Sends what Baileys fetches from WhatsApp's media hosts to the simulated network, and nothing else. */
export function redirectDownloads(http) {
  const reach = globalThis.fetch;
  globalThis.fetch = (resource, options) => {
    const asked = new URL(resource);
    if (!asked.hostname.endsWith('.whatsapp.net')) throw new Failed(`Baileys asks for ${asked.origin}`);
    return reach(new URL(asked.pathname + asked.search, http), options);
  };
}

/** Connections of Baileys' uploads, which end at the simulated network, in plain. */
class Uploads extends Agent {
  constructor(http) {
    super({ keepAlive: false });
    this.at = new URL(http);
  }

  createConnection() {
    return connect(Number(this.at.port), this.at.hostname);
  }
}

/** Keys in memory, written and read as Baileys' own stores do. */
function keysInMemory() {
  const kept = new Map();
  return {
    async get(kind, ids) {
      const found = {};
      for (const id of ids) {
        const text = kept.get(`${kind}/${id}`);
        if (text === undefined) continue;
        const value = JSON.parse(text, BufferJSON.reviver);
        found[id] = kind === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value) : value;
      }
      return found;
    },
    async set(changes) {
      for (const [kind, entries] of Object.entries(changes)) {
        for (const [id, value] of Object.entries(entries)) {
          if (value === null || value === undefined) kept.delete(`${kind}/${id}`);
          else kept.set(`${kind}/${id}`, JSON.stringify(value, BufferJSON.replacer));
        }
      }
    },
  };
}

/** What Baileys says while it works. */
class Log {
  level = 'silent';
  lines = [];

  child() {
    return this;
  }

  trace() {}
  debug() {}
  info() {}

  warn(about, sentence) {
    this.note('warn', about, sentence);
  }

  error(about, sentence) {
    this.note('error', about, sentence);
  }

  /** Forgets complaints that were to be expected. */
  forgive(...words) {
    this.lines = this.lines.filter(({ shown }) => !words.some((word) => shown.includes(word)));
  }

  note(level, about, sentence) {
    const text = typeof about === 'string' ? about : sentence ?? '';
    const shown = JSON.stringify(about, (_, value) =>
      value instanceof Error ? value.stack : value?.type === 'Buffer' ? '…' : value,
    );
    this.lines.push({ level, text, shown: `${text} ${shown}`.slice(0, 1500) });
  }
}

/** Everything Baileys tells of and that steps may wait for. */
const EVENTS = [
  'messaging-history.set',
  'chats.update',
  'contacts.update',
  'presence.update',
  'messages.upsert',
  'messages.update',
  'messages.reaction',
  'message-receipt.update',
  'groups.upsert',
  'groups.update',
  'group-participants.update',
  'call',
];

export class Companion {
  constructor(network, options = {}) {
    this.network = network;
    this.options = options;
    this.log = new Log();
    this.auth = { creds: initAuthCreds(), keys: keysInMemory() };
    this.told = Object.fromEntries(EVENTS.map((event) => [event, []]));
    this.sent = new Map();
    this.connected = false;
    this.qr = null;
    this.ended = null;
    /** Called with each socket it connects with. */
    this.onSocket = null;
  }

  /** Connects; the connection is made again whenever the server asks for it. */
  connects() {
    this.ended = null;
    this.caughtUp = false;
    const socket = makeWASocket({
      waWebSocketUrl: this.network.websocket,
      fetchAgent: new Uploads(this.network.http),
      auth: this.auth,
      logger: this.log,
      browser: ['Examiner', 'Chrome', '1.0'],
      connectTimeoutMs: PATIENCE,
      defaultQueryTimeoutMs: PATIENCE,
      appStateMacVerification: { patch: true, snapshot: true },
      getMessage: async ({ id }) => this.sent.get(id),
      ...this.options,
    });
    this.socket = socket;
    this.onSocket?.(socket);
    socket.ev.on('creds.update', (changes) => Object.assign(this.auth.creds, changes));
    for (const event of EVENTS) {
      socket.ev.on(event, (news) => this.told[event].push(...this.each(event, news)));
    }
    socket.ev.on('connection.update', (update) => {
      if (update.qr) this.qr = update.qr;
      if (update.connection === 'open') this.connected = true;
      if (update.receivedPendingNotifications) this.caughtUp = true;
      if (update.connection !== 'close') return;
      this.connected = false;
      const code = update.lastDisconnect?.error?.output?.statusCode;
      if (code === DisconnectReason.restartRequired) this.connects();
      else this.ended = { code, reason: update.lastDisconnect?.error?.message };
    });
    return this;
  }

  /** An event's parts, so that each can be waited for. */
  each(event, news) {
    if (event === 'messages.upsert') return news.messages.map((message) => ({ ...message, how: news.type }));
    return Array.isArray(news) ? news : [news];
  }

  /** Waits until the server lets it in and it has caught up. */
  async opens() {
    await eventually('Baileys to be logged in', () => {
      check(!this.ended, `Baileys is disconnected (${this.ended?.code}: ${this.ended?.reason})`);
      return this.connected && this.caughtUp;
    });
  }

  /** Waits for the text of a QR. */
  async showsQr() {
    return eventually('Baileys to show a QR', () => {
      check(!this.ended, `Baileys is disconnected (${this.ended?.code}: ${this.ended?.reason})`);
      return this.qr;
    });
  }

  /** Waits until it has been disconnected for good, and says by which code. */
  async isDisconnected() {
    return (await eventually('Baileys to be disconnected', () => this.ended)).code;
  }

  /** Goes away without a word; its place on the phone stays. */
  async leaves() {
    await this.socket.end(undefined);
    await this.isDisconnected();
  }

  /** Waits for a part of an event that meets a condition. */
  async sees(event, what, condition) {
    return eventually(`Baileys to see ${what}`, () => this.told[event].find(condition));
  }

  /** Waits for a message by its text or caption. */
  async hears(text) {
    return this.sees('messages.upsert', JSON.stringify(text), (message) => textOf(message) === text);
  }

  /** How often a text has come. */
  times(text) {
    return this.told['messages.upsert'].filter((message) => textOf(message) === text).length;
  }

  async sends(to, content, options) {
    const message = await this.socket.sendMessage(to, content, options);
    this.sent.set(message.key.id, message.message);
    return message;
  }

  /** Waits until one of its messages is acknowledged as delivered (3), read (4) or played (5). */
  async isConfirmed(message, status) {
    return this.sees(
      'messages.update',
      `status ${status} of its message`,
      ({ key, update }) => key.id === message.key.id && update.status >= status,
    );
  }

  async downloads(message) {
    return downloadMediaMessage(message, 'buffer', {}, { logger: this.log });
  }
}

export function textOf({ message }) {
  return (
    message?.conversation ||
    message?.extendedTextMessage?.text ||
    message?.imageMessage?.caption ||
    message?.documentMessage?.caption ||
    message?.documentWithCaptionMessage?.message?.documentMessage?.caption ||
    ''
  );
}

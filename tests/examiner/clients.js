// What is asked of the simulated phones and of the host, by HTTP.

import { eventually, Failed } from './steps.js';

const reach = globalThis.fetch;

async function ask(method, url, headers, body) {
  const answer = await reach(url, {
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Failed(`${method} ${new URL(url).pathname} is answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** A person of the simulated network, and the phone. */
export class Phone {
  constructor(http, number) {
    this.control = `${http}/control`;
    this.base = `${this.control}/people/${number}`;
    this.number = number;
    this.jid = `${number}@s.whatsapp.net`;
  }

  /** A new person. */
  static async of(http, number, name) {
    const made = await (await ask('POST', `${http}/control/people`, {}, { number, name })).json();
    return Object.assign(new Phone(http, number), { lid: made.lid, name });
  }

  /** Does something; what it is answered. */
  async does(verb, body = {}) {
    return (await ask('POST', `${this.base}/${verb}`, {}, body)).json();
  }

  /** What the phone shows: `heard`, `receipts`, `copies`, … */
  async shows(what) {
    return (await ask('GET', `${this.base}/${what}`, {})).json();
  }

  /** Something goes wrong for the companions. */
  async suffers(fault) {
    await ask('POST', `${this.control}/faults`, {}, { number: this.number, ...fault });
  }

  /** How many companions are linked. */
  async companions() {
    const people = await (await ask('GET', `${this.control}/people`, {})).json();
    return people.find((one) => one.number === this.number).devices.length;
  }

  /** Waits until it has heard something. */
  async hears(what, condition) {
    return eventually(`${this.name}'s phone to hear ${what}`, async () => (await this.shows('heard')).find(condition));
  }
}

/** One session of a running host. */
export class Session {
  constructor(url, key, name) {
    this.url = url;
    this.headers = { 'x-api-key': key };
    this.name = name;
    this.path = `/v1/sessions/${name}`;
  }

  async ask(method, path, body) {
    return ask(method, `${this.url}${path}`, this.headers, body);
  }

  async json(method, path, body) {
    return (await this.ask(method, path, body)).json();
  }

  /** Sends something; its id here, and its id on the network once it has left. */
  async sends(body) {
    const { id } = await this.json('POST', `${this.path}/messages`, body);
    return this.left(id);
  }

  /** Waits until one of its messages has left; the message. */
  async left(id) {
    return this.reaches(id, ['sent', 'delivered', 'read', 'played']);
  }

  /** Waits until one of its messages has come as far as one of these states. */
  async reaches(id, states) {
    return eventually(`the session's message to be ${states.join(' or ')}`, async () => {
      const message = await this.json('GET', `/v1/messages/${id}`);
      if (message.status === 'failed') throw new Failed(`the session's message failed: ${message.error}`);
      return states.includes(message.status) && message;
    });
  }

  /** Waits until it has stored a message of others that meets a condition. */
  async receives(what, condition) {
    return eventually(`the session to receive ${what}`, async () => {
      const { items } = await this.json('GET', `${this.path}/messages?limit=200`);
      return items.find((one) => one.direction === 'inbound' && condition(one));
    });
  }

  /** Waits for an event. */
  async notices(kind, condition) {
    return eventually(`the session to have an event ${kind}`, async () => {
      const { items } = await this.json('GET', `/v1/events?session=${this.name}&kind=${kind}&limit=500`);
      return items.find(condition);
    });
  }
}

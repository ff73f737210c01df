// How Baileys is linked, comes back, and is unlinked again.

import { Companion } from './companion.js';
import { check, eventually, same } from './steps.js';

/** What Baileys complains of although nothing is wrong: being asked to connect again; and that somebody it asks about by the address that hides the number has that address. */
const HARMLESS = ['stream errored out {"fullErrorNode":{"tag":"stream:error","attrs":{"code":"515"}}}', 'Invalid LID-PN mapping'];

export function linking(world) {
  const { network, elsa, ada, shop, session, companion } = world;
  return [
    [
      'a session of the host is paired by QR',
      async () => {
        await session.json('POST', '/v1/sessions', { name: session.name, start: true });
        const { text } = await session.json('GET', `${session.path}/qr`);
        await shop.does('scan', { qr: text });
        await eventually('the session to be connected', async () => {
          return (await session.json('GET', session.path)).state === 'connected';
        });
      },
    ],
    [
      'Baileys is paired by QR, reconnects as it is asked to, and logs in',
      async () => {
        world.past = Math.floor(Date.now() / 1000) - 3600;
        await elsa.does('remember', { chat: ada.number, author: ada.number, text: 'an hour ago', at: world.past });
        const qr = await companion.connects().showsQr();
        await elsa.does('scan', { qr });
        await companion.opens();
        same(companion.socket.user.id, `${elsa.number}:1@s.whatsapp.net`, 'its address');
        same(companion.socket.user.lid, elsa.lid.replace('@', ':1@'), 'its address without a number');
        same(companion.socket.user.name, 'Elsa', 'its name');
      },
    ],
    [
      'it is told what its phone remembers',
      async () => {
        const part = await companion.sees('messaging-history.set', 'a history', ({ messages }) => messages.length > 0);
        const [message] = part.messages;
        same(message.key.remoteJid, ada.jid, 'the chat of the remembered message');
        same(message.message.conversation, 'an hour ago', 'the remembered message');
        same(Number(message.messageTimestamp), world.past, 'its time');
      },
    ],
  ];
}

export function unlinking(world) {
  const { network, elsa, ada, session, companion } = world;
  return [
    [
      'it gets what was written while it was away, once and in order',
      async () => {
        await companion.leaves();
        const texts = ['away 1', 'away 2', 'away 3', 'away 4'];
        for (const [at, text] of texts.entries()) {
          if (at % 2 === 0) await session.sends({ to: elsa.number, text });
          else await ada.does('say', { to: elsa.number, text });
        }
        const before = companion.told['messages.upsert'].length;
        await companion.connects().opens();
        for (const text of texts) await companion.hears(text);
        const heard = companion.told['messages.upsert'].slice(before).map(({ message }) => message);
        const order = heard.map((message) => message?.conversation || message?.extendedTextMessage?.text);
        same(order.filter((text) => texts.includes(text)), texts, 'what it was told');
      },
    ],
    [
      'it comes back after its connection was cut, and nothing is lost',
      async () => {
        await elsa.suffers({ fault: 'drop' });
        await companion.isDisconnected();
        await ada.does('say', { to: elsa.number, text: 'after the cut' });
        await companion.connects().opens();
        await companion.hears('after the cut');
        same(companion.times('after the cut'), 1, 'how often it came');
      },
    ],
    [
      'it has complained of nothing',
      async () => {
        companion.log.forgive(...HARMLESS);
        const complaints = companion.log.lines;
        check(complaints.length === 0, complaints.map(({ level, shown }) => `${level}: ${shown}`).join('\n  '));
      },
    ],
    [
      'it logs out, and its phone lists it no longer',
      async () => {
        await companion.socket.logout();
        await eventually('the phone to have no companions', async () => (await elsa.companions()) === 0);
        await companion.isDisconnected();
        same(await companion.connects().isDisconnected(), 401, 'how it is received afterwards');
      },
    ],
    [
      'another is paired by a code that is typed on the phone',
      async () => {
        const second = new Companion(network);
        world.companion = second;
        await second.connects().showsQr();
        const code = await second.socket.requestPairingCode(elsa.number);
        // Baileys does not wait until the network knows of the code.
        await eventually('the code to be taken', () => elsa.does('type-code', { code }).then(
          () => true,
          (error) => check(error.message.includes('no client shows this code'), error.message),
        ));
        await second.opens();
        await ada.does('say', { to: elsa.number, text: 'to the second' });
        await second.hears('to the second');
        await second.sends(ada.jid, { text: 'from the second' });
        await ada.hears('a text', ({ content }) => content.body === 'from the second');
      },
    ],
    [
      'it is told when the phone unlinks it',
      async () => {
        await elsa.does('unlink');
        same(await world.companion.isDisconnected(), 401, 'how it was disconnected');
      },
    ],
  ];
}

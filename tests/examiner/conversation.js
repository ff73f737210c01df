// What two people write to each other: Baileys here, a session of the host there.

import { textOf } from './companion.js';
import { check, eventually, same } from './steps.js';

/** A picture of one pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
/** Something longer than one block of any cipher. */
const LONG = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7) % 251));

export function conversation(world) {
  const { elsa, shop, ada, session, companion } = world;
  const toShop = (content, options) => companion.sends(shop.jid, content, options);
  const toElsa = (content) => session.sends({ to: elsa.number, ...content });
  return [
    [
      'a text goes from Baileys to the session',
      async () => {
        world.first = await toShop({ text: 'good morning' });
        const message = await session.receives('the text', ({ text }) => text === 'good morning');
        same(message.sender, elsa.jid, 'its sender');
        same(message.chat, elsa.jid, 'its chat');
        same(message.senderName, 'Elsa', 'its sender’s name');
        same(message.whatsappId, world.first.key.id, 'its id');
        await companion.isConfirmed(world.first, 3);
      },
    ],
    [
      'the phone of Baileys’ account has a copy of it',
      async () => {
        await eventually('the copy', async () => {
          return (await elsa.shows('copies')).find(({ content, chat }) => content.body === 'good morning' && chat === shop.jid);
        });
      },
    ],
    [
      'a text goes from the session to Baileys',
      async () => {
        world.second = await toElsa({ text: 'what may it be?' });
        const message = await companion.hears('what may it be?');
        same(message.key.remoteJid, shop.jid, 'its chat');
        same(message.key.fromMe, false, 'whether it is its own');
        same(message.key.id, world.second.whatsappId, 'its id');
        same(message.pushName, 'The Shop', 'its sender’s name');
        same(message.how, 'notify', 'how it came');
        world.heard = message;
        await session.reaches(world.second.id, ['delivered', 'read']);
      },
    ],
    [
      'both see that the other has read',
      async () => {
        await companion.socket.readMessages([world.heard.key]);
        await session.reaches(world.second.id, ['read']);
        await session.ask('POST', `${session.path}/chats/${elsa.number}/read`, {});
        await companion.isConfirmed(world.first, 4);
      },
    ],
    [
      'each answers the other by quoting',
      async () => {
        await toShop({ text: 'a loaf, please' }, { quoted: world.heard });
        const answer = await session.receives('the answer', ({ text }) => text === 'a loaf, please');
        same(answer.quoted?.message, world.second.whatsappId, 'the id it quotes');
        await toElsa({ text: 'here you are', quote: answer.whatsappId });
        const heard = await companion.hears('here you are');
        const quoted = heard.message.extendedTextMessage?.contextInfo;
        same(quoted?.stanzaId, answer.whatsappId, 'the id Baileys sees quoted');
        same(quoted?.participant, elsa.jid, 'whom it sees quoted');
      },
    ],
    [
      'a picture goes from Baileys to the session',
      async () => {
        const image = { image: PIXEL, mimetype: 'image/png', caption: 'one pixel', jpegThumbnail: '', width: 1, height: 1 };
        await toShop(image);
        const message = await session.receives('the picture', ({ media }) => media?.caption === 'one pixel');
        same(message.media.mime, 'image/png', 'its type');
        const answer = await session.ask('GET', message.media.url);
        const bytes = Buffer.from(await answer.arrayBuffer());
        check(bytes.equals(PIXEL), `the session has other bytes than were sent (${bytes.length})`);
      },
    ],
    [
      'a picture and a document go from the session to Baileys',
      async () => {
        await toElsa({ image: { data: PIXEL.toString('base64'), caption: 'the same pixel' } });
        const picture = await companion.downloads(await companion.hears('the same pixel'));
        check(picture.equals(PIXEL), `Baileys has other bytes than were sent (${picture.length})`);
        await toElsa({ document: { data: LONG.toString('base64'), fileName: 'long.bin', caption: 'long' } });
        const long = await companion.downloads(await companion.hears('long'));
        check(long.equals(LONG), `Baileys has another document than was sent (${long.length})`);
      },
    ],
    [
      'each reacts to the other',
      async () => {
        await toShop({ react: { text: '👍', key: world.heard.key } });
        const event = await session.notices('message.reaction', ({ message }) => message.reaction.emoji === '👍');
        same(event.message.reaction.message, world.second.whatsappId, 'what Baileys reacts to');
        await toElsa({ reaction: { message: world.first.key.id, emoji: '🥖' } });
        const seen = await companion.sees('messages.reaction', 'a reaction', ({ reaction }) => reaction.text === '🥖');
        same(seen.key.id, world.first.key.id, 'what the session reacts to');
      },
    ],
    [
      'each changes what it has written',
      async () => {
        await toShop({ text: 'good evening', edit: world.first.key });
        const event = await session.notices('message.edited', ({ message }) => message.edit.text === 'good evening');
        same(event.message.edit.message, world.first.key.id, 'what Baileys changes');
        await toElsa({ edit: { message: world.second.whatsappId, text: 'what else may it be?' } });
        const seen = await companion.sees('messages.update', 'an edit', ({ update }) => {
          return textOf(update.message?.editedMessage ?? {}) === 'what else may it be?';
        });
        same(seen.key.id, world.second.whatsappId, 'what the session changes');
      },
    ],
    [
      'each takes back what it has written',
      async () => {
        await toShop({ delete: world.first.key });
        await session.notices('message.revoked', ({ message }) => message.revoke.message === world.first.key.id);
        await toElsa({ revoke: { message: world.second.whatsappId } });
        await companion.sees('messages.update', 'a message taken back', ({ key, update }) => {
          return key.id === world.second.whatsappId && update.message === null;
        });
      },
    ],
    [
      'what is written on a phone reaches its companions',
      async () => {
        await elsa.does('say', { to: shop.number, text: 'from the phone' });
        const own = await companion.hears('from the phone');
        same([own.key.fromMe, own.key.remoteJid], [true, shop.jid], 'whose it is, and where');
        await session.receives('it, too', ({ text }) => text === 'from the phone');
        await shop.does('say', { to: elsa.number, text: 'from the other phone' });
        await companion.hears('from the other phone');
      },
    ],
    [
      'somebody with a phone alone is written to, and writes',
      async () => {
        await companion.sends(ada.jid, { text: 'hello Ada' });
        await ada.hears('the text', ({ content, device }) => content.body === 'hello Ada' && device === 1);
        await ada.does('say', { to: elsa.number, text: 'hello Elsa' });
        const message = await companion.hears('hello Elsa');
        same(message.pushName, 'Ada', 'the name she shows');
      },
    ],
    [
      'what cannot be read is asked for again, both ways',
      async () => {
        await elsa.suffers({ fault: 'corrupt', times: 1 });
        await toElsa({ text: 'damaged on the way to Baileys' });
        await companion.hears('damaged on the way to Baileys');
        await shop.suffers({ fault: 'corrupt', times: 1 });
        await toShop({ text: 'damaged on the way to the session' });
        await session.receives('the text again', ({ text }) => text === 'damaged on the way to the session');
        companion.log.forgive('failed to decrypt message', 'No matching sessions found for message');
      },
    ],
    [
      'what comes twice is stored once',
      async () => {
        await shop.suffers({ fault: 'deliver_twice', times: 1 });
        await toShop({ text: 'twice' });
        await toShop({ text: 'and on' });
        await session.receives('the next', ({ text }) => text === 'and on');
        const { items } = await session.json('GET', `${session.path}/messages?limit=200`);
        same(items.filter(({ text }) => text === 'twice').length, 1, 'how often it is stored');
      },
    ],
  ];
}

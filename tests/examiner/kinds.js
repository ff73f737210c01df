// Messages of other kinds, both ways.

import { Companion } from './companion.js';
import { check, eventually, same } from './steps.js';

export function kinds(world) {
  const { network, elsa, shop, ada, session, companion } = world;
  const toShop = (content) => companion.sends(shop.jid, content);
  const toElsa = (content) => session.sends({ to: elsa.number, ...content });
  const sees = (what, condition) => companion.sees('messages.upsert', what, ({ message }) => message && condition(message));
  return [
    [
      'places and contact cards go both ways',
      async () => {
        await toShop({ location: { degreesLatitude: 52.5, degreesLongitude: 13.4, name: 'The oven' } });
        const place = await session.receives('the place', ({ location }) => location?.name === 'The oven');
        same([place.location.latitude, place.location.longitude], [52.5, 13.4], 'where it is');
        await toElsa({ location: { latitude: 48.1, longitude: 11.6, name: 'The mill' } });
        await sees('the place', ({ locationMessage }) => locationMessage?.name === 'The mill' && locationMessage.degreesLatitude === 48.1);
        const vcard = 'BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL;type=CELL;waid=15550100:+15550100\nEND:VCARD';
        await toShop({ contacts: { displayName: 'Ada', contacts: [{ displayName: 'Ada', vcard }] } });
        const cards = await session.receives('the card', ({ contacts }) => contacts?.length === 1);
        same([cards.contacts[0].name, cards.contacts[0].numbers], ['Ada', ['+15550100']], 'whose card it is');
        await toElsa({ contacts: [{ name: 'Bob', numbers: ['+15550101'] }] });
        await sees('the card', ({ contactMessage }) => contactMessage?.displayName === 'Bob' && contactMessage.vcard.includes('15550101'));
      },
    ],
    [
      'polls and votes go both ways',
      async () => {
        const asked = await toShop({ poll: { name: 'Rye or wheat?', values: ['rye', 'wheat'], selectableCount: 1 } });
        const poll = await session.receives('the poll', (message) => message.poll?.question === 'Rye or wheat?');
        same(poll.poll.options, ['rye', 'wheat'], 'its options');
        await toElsa({ vote: { message: poll.whatsappId, options: ['rye'] } });
        const vote = await sees('the vote', ({ pollUpdateMessage }) => pollUpdateMessage?.pollCreationMessageKey?.id === asked.key.id);
        check(vote.message.pollUpdateMessage.vote.encPayload.length > 0, 'the vote is empty');
        await toElsa({ poll: { question: 'Today?', options: ['yes', 'no'] } });
        const back = await sees('the poll', (message) => {
          const found = message.pollCreationMessage ?? message.pollCreationMessageV3;
          return found?.name === 'Today?' && found.options.length === 2;
        });
        check(back.message.messageContextInfo?.messageSecret?.length === 32, 'the poll has no secret to vote with');
      },
    ],
    [
      'who is mentioned is told so',
      async () => {
        await companion.sends(world.group, { text: `@${shop.number} is this fresh?`, mentions: [shop.jid] });
        const message = await session.receives('it', ({ text }) => text?.endsWith('is this fresh?'));
        same(message.mentions?.people, [shop.jid], 'whom Baileys mentions');
        await session.sends({ to: world.group, text: `@${elsa.number} of course`, mentions: { people: [elsa.number] } });
        const heard = await sees('it', ({ extendedTextMessage }) => extendedTextMessage?.text?.endsWith('of course'));
        const [mentioned] = heard.message.extendedTextMessage.contextInfo.mentionedJid;
        check([elsa.jid, elsa.lid].includes(mentioned), `${mentioned} is mentioned, expected Elsa`);
      },
    ],
    [
      'a voice note and a film that a phone sends are heard and seen',
      async () => {
        const bytes = Buffer.from('not a film, but as long as one').toString('base64');
        await ada.does('send', { to: elsa.number, type: 'audio', base64: bytes, mime: 'audio/ogg; codecs=opus', voice: true, seconds: 3 });
        const note = await sees('the voice note', ({ audioMessage }) => audioMessage?.ptt && audioMessage.seconds === 3);
        same((await companion.downloads(note)).toString('base64'), bytes, 'what it says');
        await ada.does('send', { to: elsa.number, type: 'video', base64: bytes, mime: 'video/mp4', caption: 'a film', seconds: 9 });
        const film = await sees('the film', ({ videoMessage }) => videoMessage?.caption === 'a film');
        same((await companion.downloads(film)).toString('base64'), bytes, 'what it shows');
      },
    ],
    [
      'a status is seen by those who know its author',
      async () => {
        await ada.does('status', { type: 'text', text: 'fresh from the oven' });
        const status = await sees('the status', (message) => {
          return (message.extendedTextMessage?.text || message.conversation) === 'fresh from the oven';
        });
        same(status.key.remoteJid, 'status@broadcast', 'where it was said');
      },
    ],
    [
      'a second companion shares what the first does',
      async () => {
        const second = new Companion(network);
        await elsa.does('scan', { qr: await second.connects().showsQr() });
        await second.opens();
        await companion.sends(ada.jid, { text: 'from the first device' });
        const own = await second.hears('from the first device');
        same([own.key.fromMe, own.key.remoteJid], [true, ada.jid], 'whose it is, and where');
        await toElsa({ text: 'to both devices' });
        await companion.hears('to both devices');
        await second.hears('to both devices');
        await second.socket.logout();
        await eventually('the phone to have one companion', async () => (await elsa.companions()) === 1);
        await toElsa({ text: 'to one device' });
        await companion.hears('to one device');
      },
    ],
  ];
}

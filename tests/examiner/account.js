// What an account shows of itself, and what its devices share.

import { check, eventually, same } from './steps.js';

export function account(world) {
  const { elsa, shop, ada, session, companion } = world;
  return [
    [
      'Baileys finds out who is on the network',
      async () => {
        const found = await companion.socket.onWhatsApp(shop.number, '15559999');
        const known = Object.fromEntries(found.map(({ jid, exists }) => [jid, exists]));
        same(known[shop.jid], true, 'whether the shop is there');
        check(!known['15559999@s.whatsapp.net'], 'a number that nobody has is said to be there');
      },
    ],
    [
      'it sees what people show of themselves',
      async () => {
        await ada.does('profile', { about: 'At the baker’s', picture: Buffer.from('a picture').toString('base64') });
        const [shown] = await companion.socket.fetchStatus(ada.jid);
        same(shown.status?.status, 'At the baker’s', 'what Ada writes of herself');
        const url = await companion.socket.profilePictureUrl(ada.jid, 'image');
        const answer = await fetch(url);
        same(await answer.text(), 'a picture', 'Ada’s picture');
      },
    ],
    [
      'each sees the other come, and write',
      async () => {
        await companion.socket.presenceSubscribe(shop.jid);
        await session.ask('POST', `${session.path}/chats/${elsa.number}/state`, { state: 'composing' });
        const isShop = (jid) => [shop.jid, shop.lid].includes(jid);
        await companion.sees('presence.update', 'the session writing', ({ presences }) => {
          return Object.entries(presences).some(([who, { lastKnownPresence }]) => isShop(who) && lastKnownPresence === 'composing');
        });
        await companion.socket.sendPresenceUpdate('composing', shop.jid);
        await session.notices('presence', ({ presence }) => presence.state === 'composing');
      },
    ],
    [
      'it is told of a call, and refuses it',
      async () => {
        const { call } = await ada.does('call', { to: elsa.number });
        const offer = await companion.sees('call', 'the call', ({ id, status }) => id === call && status === 'offer');
        await companion.socket.rejectCall(call, offer.from);
        await eventually('Ada to see that nobody answers', async () => {
          return (await ada.shows('calls')).some((seen) => seen.call === call && JSON.stringify(seen).includes('eject'));
        });
      },
    ],
    [
      'how a chat is kept is shared, and its seals are right',
      async () => {
        const last = companion.told['messages.upsert'].findLast(({ key }) => key.remoteJid === ada.jid);
        await companion.socket.chatModify({ archive: true, lastMessages: [last] }, ada.jid);
        await eventually('the phone to keep the chat archived', async () => {
          return (await elsa.shows(`chat?chat=${ada.number}`)).archived;
        });
        await elsa.does('chat', { chat: shop.number, pinned: true });
        await companion.sees('chats.update', 'the chat pinned on the phone', ({ id, pinned }) => {
          return [shop.jid, shop.lid].includes(id) && pinned;
        });
      },
    ],
    [
      'it blocks somebody and is heard by them no more',
      async () => {
        await companion.socket.updateBlockStatus(ada.jid, 'block');
        same((await companion.socket.fetchBlocklist()).length, 1, 'how many it blocks');
        await ada.does('say', { to: elsa.number, text: 'blocked' });
        await companion.socket.updateBlockStatus(ada.jid, 'unblock');
        await ada.does('say', { to: elsa.number, text: 'heard again' });
        await companion.hears('heard again');
        same(companion.times('blocked'), 0, 'how often it heard what was said meanwhile');
      },
    ],
    [
      'its keys on offer are replenished',
      async () => {
        await companion.socket.digestKeyBundle();
        await companion.socket.rotateSignedPreKey();
        await ada.does('say', { to: elsa.number, text: 'with new keys' });
        await companion.hears('with new keys');
      },
    ],
  ];
}

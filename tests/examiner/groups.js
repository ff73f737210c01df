// Groups that Baileys makes, and groups that others make.

import { check, eventually, same } from './steps.js';

export function groups(world) {
  const { elsa, shop, ada, session, companion } = world;
  /** Elsa as the members of a group see her. */
  const isElsa = (jid) => [elsa.jid, elsa.lid].includes(jid);
  return [
    [
      'Baileys makes a group, and all hear each other',
      async () => {
        const made = await companion.socket.groupCreate('Bakers', [shop.jid, ada.jid]);
        world.group = made.id;
        same([made.subject, made.participants.length], ['Bakers', 3], 'the group it made');
        await companion.sends(made.id, { text: 'from Baileys to all' });
        const message = await session.receives('it', ({ text }) => text === 'from Baileys to all');
        same([message.chat, message.sender], [made.id, elsa.jid], 'where it was said, and by whom');
        await ada.hears('it', ({ content, group }) => content.body === 'from Baileys to all' && group === made.id);
        await session.sends({ to: made.id, text: 'from the session to all' });
        const heard = await companion.hears('from the session to all');
        same(heard.key.remoteJid, made.id, 'where Baileys heard it');
        check([shop.jid, shop.lid].includes(heard.key.participant), `it was said by ${heard.key.participant}, expected the shop`);
        same(heard.key.fromMe, false, 'whether it is its own');
        await ada.does('say', { to: made.id, text: 'from Ada to all' });
        await companion.hears('from Ada to all');
        await session.receives('it', ({ text }) => text === 'from Ada to all');
      },
    ],
    [
      'a reaction, an edit and a picture in a group',
      async () => {
        const heard = companion.told['messages.upsert'].find(({ message }) => {
          return (message?.conversation || message?.extendedTextMessage?.text) === 'from the session to all';
        });
        await companion.sends(world.group, { react: { text: '🎉', key: heard.key } });
        const event = await session.notices('message.reaction', ({ message }) => message.reaction.emoji === '🎉');
        same([event.message.chat, event.message.reaction.message], [world.group, heard.key.id], 'what Baileys reacts to');
        await session.sends({ to: world.group, edit: { message: heard.key.id, text: 'from the session to everybody' } });
        await companion.sees('messages.update', 'the edit', ({ key }) => key.id === heard.key.id);
        const data = Buffer.alloc(5000, 1).toString('base64');
        await session.sends({ to: world.group, document: { data, fileName: 'ones.bin', caption: 'ones' } });
        const bytes = await companion.downloads(await companion.hears('ones'));
        check(bytes.equals(Buffer.alloc(5000, 1)), 'Baileys has another document than was sent');
      },
    ],
    [
      'its author sees who has read what was said in a group',
      async () => {
        const message = await companion.sends(world.group, { text: 'who reads this?' });
        await session.receives('it', ({ text }) => text === 'who reads this?');
        await session.ask('POST', `${session.path}/chats/${world.group}/read`, {});
        await companion.sees('message-receipt.update', 'who has read', ({ key, receipt }) => {
          const by = receipt.userJid ?? '';
          return key.id === message.key.id && receipt.readTimestamp && [shop.number, shop.lid.split('@')[0]].includes(by.split('@')[0].split(':')[0]);
        });
      },
    ],
    [
      'a group is changed, and its members are told',
      async () => {
        await companion.socket.groupUpdateSubject(world.group, 'Bakers and friends');
        await companion.socket.groupUpdateDescription(world.group, 'Bread');
        await eventually('the session to see the change', async () => {
          const { subject, description } = await session.json('GET', `${session.path}/groups/${world.group}`);
          return subject === 'Bakers and friends' && description === 'Bread';
        });
        const [gone] = await companion.socket.groupParticipantsUpdate(world.group, [ada.jid], 'remove');
        same(gone.status, '200', 'whether Ada was removed');
        await session.sends({ to: world.group, text: 'without Ada' });
        await companion.hears('without Ada');
        const [back] = await companion.socket.groupParticipantsUpdate(world.group, [ada.jid], 'add');
        same(back.status, '200', 'whether Ada was added');
        await companion.sends(world.group, { text: 'with Ada again' });
        await ada.hears('it', ({ content }) => content.body === 'with Ada again');
        const all = await ada.shows('heard');
        check(!all.some(({ content }) => content.body === 'without Ada'), 'Ada has heard what was said without her');
      },
    ],
    [
      'the session makes a group, and Baileys is told',
      async () => {
        const { group } = await session.json('POST', `${session.path}/groups`, {
          subject: 'Orders',
          members: [elsa.number],
        });
        await companion.sees('groups.upsert', 'the new group', ({ id }) => id === group.jid);
        const seen = await companion.socket.groupMetadata(group.jid);
        same([seen.subject, seen.participants.length], ['Orders', 2], 'what Baileys sees of it');
        check(
          seen.participants.some(({ id, phoneNumber }) => isElsa(id) || phoneNumber === elsa.jid),
          'Baileys does not find itself among the members',
        );
        await session.sends({ to: group.jid, text: 'two loaves' });
        await companion.hears('two loaves');
        await companion.socket.groupLeave(group.jid);
        await eventually('the session to see that Elsa has left', async () => {
          const { members } = await session.json('GET', `${session.path}/groups/${group.jid}`);
          return members.length === 1;
        });
      },
    ],
    [
      'a group is joined by its code',
      async () => {
        const { jid } = await ada.does('groups', { subject: 'Ada’s', members: [] });
        const { code } = await ada.shows(`groups/${jid}/invite`);
        same(await companion.socket.groupAcceptInvite(code), jid, 'the group it has joined');
        await companion.sends(jid, { text: 'thank you' });
        await ada.hears('it', ({ content }) => content.body === 'thank you');
      },
    ],
  ];
}

// The smallest bot Baileys can be: it answers every text with the same text.
//
//   node echo.js WEBSOCKET HTTP
//
// Keys are in memory, and nothing is logged, so that Baileys alone is measured. Run it by
// tests/benches/baileys/run, which measures it; by hand, `warbler simulator` prints both addresses,
// and the line after `qr ` is what a simulated phone scans.

import { Companion, redirectDownloads, textOf } from './companion.js';

const [websocket, http] = process.argv.slice(2);
redirectDownloads(http);
const bot = new Companion({ websocket, http }, { shouldSyncHistoryMessage: () => false });
bot.onSocket = (socket) => {
  socket.ev.on('messages.upsert', ({ messages, type }) => {
    if (type !== 'notify') return;
    for (const message of messages) {
      const text = textOf(message);
      if (text && !message.key.fromMe) {
        socket.sendMessage(message.key.remoteJid, { text }).catch((error) => process.stderr.write(`${error.message}\n`));
      }
    }
  });
};
process.stdout.write(`qr ${await bot.connects().showsQr()}\n`);
await bot.opens();

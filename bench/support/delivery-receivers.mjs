// The other side of the delivery bench, as a process of its own: a mail server and an HTTP endpoint
// that take everything. It prints its ports, and answers with how much it has taken.
import { once } from "node:events";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";
import { SMTPServer } from "smtp-server";

/** One request in so many is verified: the receiver's own work is not what is measured. */
const VERIFIED_ONE_IN = 50;
const taken = { mails: 0, webhooks: 0, verified: 0, refused: 0 };
const webhooks = new Map(); // by path

const mail = new SMTPServer({
  disabledCommands: ["STARTTLS", "AUTH"],
  disableReverseLookup: true,
  logger: false,
  onData(stream, _, done) {
    stream.resume();
    stream.on("end", () => {
      taken.mails++;
      done(null, "2.0.0 queued");
    });
  },
});

const http = createServer(async (request, response) => {
  if (request.method === "GET") return response.end(JSON.stringify(taken));
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString("utf8");
  if (request.url.startsWith("/secret/")) {
    webhooks.set(request.url.slice("/secret".length), new Webhook(body));
  } else if (taken.webhooks++ % VERIFIED_ONE_IN === 0) {
    try {
      webhooks.get(request.url).verify(body, request.headers);
      taken.verified++;
    } catch {
      taken.refused++;
    }
  }
  response.writeHead(204).end();
});

mail.listen(0, "127.0.0.1");
http.listen(0, "127.0.0.1");
await Promise.all([once(mail.server, "listening"), once(http, "listening")]);
console.log(JSON.stringify({ mail: mail.server.address().port, http: http.address().port }));

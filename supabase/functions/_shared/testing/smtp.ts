/** SMTP servers on this machine: one that keeps mails, and one that follows a script. */
import net from "node:net";
import { Buffer } from "node:buffer";
import PostalMime, { type Email } from "npm:postal-mime@4.0.0";
import { SMTPServer, type SMTPServerOptions } from "npm:smtp-server@3.21.6";

export interface Received {
  from: string;
  to: string[];
  mail: Email;
}

export class MailServer {
  readonly received: Received[] = [];
  #server: SMTPServer;

  constructor(options: SMTPServerOptions = {}) {
    this.#server = new SMTPServer({
      name: "mail.test",
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      disableReverseLookup: true,
      closeTimeout: 1,
      onData: (stream, session, callback) => {
        const chunks: Uint8Array[] = [];
        stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
        stream.on("end", async () => {
          const { mailFrom, rcptTo } = session.envelope;
          this.received.push({
            from: mailFrom ? mailFrom.address : "",
            to: rcptTo.map(({ address }) => address),
            mail: await PostalMime.parse(Buffer.concat(chunks)),
          });
          callback(null, "2.0.0 Ok: queued as 4F00BA2");
        });
      },
      ...options,
    });
    this.#server.on("error", () => {});
  }

  /** @returns the port */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((listening) => this.#server.listen(port, "127.0.0.1", listening));
    return (this.#server.server.address() as net.AddressInfo).port;
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    // deno-lint-ignore no-explicit-any
    for (const connection of (this.#server as any).connections) connection._socket.destroy();
    await new Promise<void>((closed) => this.#server.close(closed));
  }
}

/** What a scripted server does when a line or the end of a mail comes in. */
export type Step = (socket: net.Socket, line: string) => void;

/**
 * A server that answers by the first word of what it hears; `.` is the end of a mail, `<` the
 * connection itself, `+` the first piece of a mail's text.
 */
export async function scripted(
  steps: Record<string, Step>,
  test: (port: number, connections: () => number) => Promise<void>,
): Promise<void> {
  const usual: Record<string, string> = {
    "<": "220 mail.test ESMTP",
    EHLO: "250 mail.test",
    MAIL: "250 2.1.0 Ok",
    RCPT: "250 2.1.5 Ok",
    DATA: "354 go on",
    ".": "250 2.0.0 Ok: queued as 1",
    RSET: "250 Ok",
    QUIT: "221 Bye",
  };
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    const act = (word: string, line = "") => {
      if (steps[word]) steps[word](socket, line);
      else if (word !== "+") socket.write(`${usual[word] ?? "502 5.5.1 what?"}\r\n`);
    };
    let inMail = false, begun = false, heard = "";
    socket.on("data", (bytes) => {
      heard += bytes.toString();
      for (;;) {
        if (inMail) {
          if (!begun && heard) {
            begun = true;
            act("+");
          }
          const end = heard.indexOf("\r\n.\r\n");
          if (end < 0) return;
          heard = heard.slice(end + 5);
          inMail = false;
          act(".");
        } else {
          const end = heard.indexOf("\r\n");
          if (end < 0) return;
          const line = heard.slice(0, end);
          heard = heard.slice(end + 2);
          const word = line.split(/[ :]/)[0].toUpperCase();
          if (word === "DATA" && !steps.DATA) [inMail, begun] = [true, false];
          act(word, line);
        }
      }
    });
    act("<");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await test((server.address() as net.AddressInfo).port, () => connections);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  }
}

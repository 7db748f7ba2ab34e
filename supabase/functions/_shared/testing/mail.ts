import type { EmailRequest } from "../delivery.ts";

/** A mail as the database hands it out. */
export const mailTo = (to: string, more: Partial<EmailRequest> = {}): EmailRequest => ({
  tenant_id: "t",
  id: "1",
  lease: 1,
  attempt: 1,
  lease_expires_at: "",
  message_id: "<6b1f@mail.example.com>",
  idempotency_key: "6b1f",
  from: { name: "Ännchens, Inc.", address: "no-reply@example.com" },
  reply_to: "help@example.com",
  to,
  subject: "Grüße 😀",
  text: "Hello\n.\nand good bye",
  html: "<p>Hello</p>",
  headers: { "List-Unsubscribe": "<https://example.com/u/1>" },
  ...more,
});

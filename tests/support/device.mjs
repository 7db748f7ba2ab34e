// Devices as they are outside of the tests: MQTT 5 clients that publish with QoS 1.
import mqtt from "mqtt";

/** @typedef {{ tenant: string, device: string, username: string, password: string, topic: string }} Account */

/**
 * Gives devices their accounts at the broker.
 * @param {import("./stack.mjs").Stack} stack
 * @param {[tenant: string, device: string][]} devices
 * @returns {Promise<Account[]>} in the order of the devices
 */
export async function addAccounts(stack, devices) {
  const usernames = devices.map(([tenant, device]) => `${tenant}/d/${device}`);
  const passwords = await stack.devicePasswords(usernames);
  return devices.map(([tenant, device], position) => {
    const username = usernames[position];
    return {
      tenant,
      device,
      username,
      password: passwords.get(username),
      topic: `t/${username}/telemetry`,
    };
  });
}

/**
 * Signs in to the broker; never by itself again.
 * @param {import("./stack.mjs").Stack} stack
 * @param {{ username?: string, password?: string }} account
 * @returns {Promise<mqtt.MqttClient>} rejects with the broker's reason code in `code`
 */
export function connect(stack, { username, password }) {
  return new Promise((resolve, reject) => {
    const client = mqtt.connect(stack.env.MQTT_URL, {
      username,
      password,
      protocolVersion: 5,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: 5000,
    });
    client.once("connect", () => resolve(client));
    client.once("close", () => reject(new Error("the broker closed the connection")));
    client.on("error", (error) => {
      reject(error);
      client.end(true);
    });
  });
}

/**
 * Publishes with QoS 1 and waits for the PUBACK.
 * @param {mqtt.MqttClient} client
 * @param {string} topic
 * @param {unknown} payload bytes or text as they are, anything else as JSON
 * @returns {Promise<number>} the PUBACK's reason code: 0, or 135 where the broker's rules forbid it;
 *   rejects when the connection ends first
 */
export function publish(client, topic, payload) {
  const body = typeof payload === "string" || Buffer.isBuffer(payload)
    ? payload
    : JSON.stringify(payload);
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error(`the connection ended before the PUBACK for ${topic}`));
    client.once("close", lost);
    client.publish(topic, body, { qos: 1 }, (error) => {
      client.off("close", lost);
      if (!error) resolve(0);
      else if ("code" in error && typeof error.code === "number") resolve(error.code);
      else reject(error);
    });
  });
}

// What does the services no harm, on one stack: to start one takes longer than most of these tests.
import "./suites/drive.mjs";
import "./suites/principals.mjs";
import "./suites/isolation_of_tenants.mjs";
import "./suites/isolation_of_devices.mjs";
import "./suites/rejections.mjs";
import "./suites/http.mjs";
import "./suites/charts.mjs";
import "./suites/guides.mjs";
import "./suites/crm.mjs";
import "./suites/retention.mjs";
import "./suites/auth_hooks.mjs";
import "./suites/inbound_webhooks.mjs";

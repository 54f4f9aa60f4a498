/** What do uwsgi's bytes mean? (uWSGI's documentation, "The uwsgi Protocol"; pure.) Its responses are scripts' ones. */
export { encodeUwsgi } from "./packet.ts";

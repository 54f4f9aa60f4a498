// How a request is told to an ASGI application and how its response is taken, on Tricorn and on uvicorn side by side:
// every difference is a decision, with its reason, and stands in docs/asgi.md.
import { compare } from "./behaviour.ts";
import { extensionBehaviours } from "./tables/extensions.ts";
import { rootPathBehaviours, scopeBehaviours, unixSocketBehaviours } from "./tables/scope.ts";
import { sendBehaviours } from "./tables/send.ts";

const app = "http_app:app";

compare("the scope", { app }, scopeBehaviours);
compare("the scope below a prefix", { app, options: ["--root-path", "/shop"] }, rootPathBehaviours);
compare("the scope on a Unix socket", { app, unixSocket: true }, unixSocketBehaviours);
compare("send()", { app }, sendBehaviours);
compare("extensions", { app }, extensionBehaviours);

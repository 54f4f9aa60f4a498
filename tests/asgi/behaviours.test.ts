// How an ASGI application is treated, on Tricorn and on uvicorn side by side: every difference is a decision, with its
// reason, and is in docs/asgi.md.
import { compare } from "./behaviour.ts";
import { extensionBehaviours } from "./tables/extensions.ts";
import { receiveBehaviours } from "./tables/receive.ts";
import { rootPathBehaviours, scopeBehaviours, unixSocketBehaviours } from "./tables/scope.ts";
import { sendBehaviours } from "./tables/send.ts";
import { taskBehaviours } from "./tables/tasks.ts";

const app = "http_app:app";

compare("the scope", { app }, scopeBehaviours);
compare("the scope below a prefix", { app, options: ["--root-path", "/shop"] }, rootPathBehaviours);
compare("the scope on a Unix socket", { app, unixSocket: true }, unixSocketBehaviours);
compare("receive()", { app }, receiveBehaviours);
compare("send()", { app }, sendBehaviours);
compare("extensions", { app }, extensionBehaviours);
compare("a request's task", { app }, taskBehaviours);

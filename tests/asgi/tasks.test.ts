// What a request's coroutine receives and how long it lives, on Tricorn and on uvicorn side by side.
import { compare } from "./behaviour.ts";
import { receiveBehaviours } from "./tables/receive.ts";
import { taskBehaviours } from "./tables/tasks.ts";

const app = "http_app:app";

compare("receive()", { app }, receiveBehaviours);
compare("a request's task", { app }, taskBehaviours);

// How a WebSocket of an ASGI application is treated, on Tricorn and on uvicorn (with websockets) side by side.
import { requireEnvironment } from "../../tools/needs.ts";
import { applications, pythonOf } from "../../tools/venv.ts";
import { compare } from "./behaviour.ts";
import { closeBehaviours } from "./tables/websocket-close.ts";
import { handshakeBehaviours } from "./tables/websocket-handshake.ts";
import { messageBehaviours } from "./tables/websocket-messages.ts";

const settings = { app: "websocket_app:app", peerPython: pythonOf(applications) };
const skip = requireEnvironment(applications);

compare("a WebSocket's handshake", settings, handshakeBehaviours, skip);
compare("a WebSocket's messages", settings, messageBehaviours, skip);
compare("a WebSocket's end", settings, closeBehaviours, skip);

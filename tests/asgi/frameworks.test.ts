// What Starlette and Django rely on, and ASGI 2, on Tricorn and on uvicorn side by side.
import { compare } from "./behaviour.ts";
import { asgi2Behaviours, djangoBehaviours, starletteBehaviours } from "./tables/frameworks.ts";

compare("Starlette", { app: "starlette_app:app" }, starletteBehaviours);
compare("Django", { app: "django_app:app" }, djangoBehaviours);
compare("ASGI 2", { app: "asgi2_app:app" }, asgi2Behaviours);

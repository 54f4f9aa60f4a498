// Why uvicorn does something else, where several tables have the same reason.

/** Extensions of HTTP. */
export const absentBecause: string = "uvicorn has the extension not at all, or for HTTP/2 only.";

/** Several Cookie fields. */
export const cookieBecause: string = "RFC 9113 §8.2.3: they are joined with \"; \" before an application that expects "
  + "one sees them. Django joins them with a comma, and finds one cookie.";

/** Context variables of pipelined requests. */
export const contextBecause: string = "Each request starts from a copy of the context the server was started in; "
  + "uvicorn starts one that was pipelined in the context of the request before.";

/** websocket.disconnect. */
export const farewellBecause: string = "The last event is told again and again, as the specification has it; uvicorn "
  + "tells another, or waits for ever.";

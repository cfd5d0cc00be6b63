"""The other side of the HTTP benchmarks: FastAPI endpoints that store nothing, and answer from memory."""

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

app = FastAPI()


class ServiceEvent(BaseModel):
    """The body of a Dintero order event."""

    state: str = "success"
    service: str
    service_status: str
    description: str | None = None
    metadata: dict[str, Any] | None = None


class NativeEvent(BaseModel):
    """The body of a native append."""

    type: str
    data: ServiceEvent


@app.post("/trail/v1/orders/{order_id}/events", status_code=201)
async def native(order_id: str, body: NativeEvent) -> NativeEvent:
    return body


@app.post("/v1/accounts/{aid}/shopping/orders/{order_id}/events", status_code=201)
async def dintero(aid: str, order_id: str, body: ServiceEvent) -> ServiceEvent:
    return body


pages: dict[str, bytes] = {}


@app.put("/pages/{name}", status_code=201)
async def put_page(name: str, request: Request) -> None:
    pages[name] = await request.body()


@app.get("/pages/{name}")
async def get_page(name: str) -> Response:
    return Response(pages[name], media_type="application/json")


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])

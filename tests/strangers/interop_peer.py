#!/usr/bin/env python3
"""gRPC's interoperability tests in Python's library: interop_peer.py serve | call PORT CASE, from a folder with the
modules that protoc makes of interop.proto."""

import sys
import time
from concurrent import futures

import grpc
import interop_pb2 as pb

SERVICE = "grpc.testing.TestService"
DOWN, UP = (31415, 9, 2653, 58979), (27182, 8, 1828, 45904)
MARK, MARK_BIN = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
ODD = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
SHAPES = {
    "EmptyCall": ("unary_unary", pb.Empty, pb.Empty),
    "UnaryCall": ("unary_unary", pb.SimpleRequest, pb.SimpleResponse),
    "StreamingOutputCall": ("unary_stream", pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse),
    "StreamingInputCall": ("stream_unary", pb.StreamingInputCallRequest, pb.StreamingInputCallResponse),
    "FullDuplexCall": ("stream_stream", pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse),
    "UnimplementedCall": ("unary_unary", pb.Empty, pb.Empty),
}


def zeros(n):
    return pb.Payload(body=bytes(n))


# --- server ---


def echo(context):
    given = dict(context.invocation_metadata())
    if MARK in given:
        context.send_initial_metadata(((MARK, given[MARK]),))
    if MARK_BIN in given:
        context.set_trailing_metadata(((MARK_BIN, given[MARK_BIN]),))


def check_status(request, context):
    if request.HasField("response_status") and request.response_status.code:
        code = next(c for c in grpc.StatusCode if c.value[0] == request.response_status.code)
        context.abort(code, request.response_status.message)


class Service(grpc.GenericRpcHandler):
    def EmptyCall(self, request, context):
        return pb.Empty()

    def UnaryCall(self, request, context):
        echo(context)
        check_status(request, context)
        return pb.SimpleResponse(payload=zeros(request.response_size))

    def StreamingOutputCall(self, request, context):
        for wanted in request.response_parameters:
            time.sleep(wanted.interval_us / 1e6)
            yield pb.StreamingOutputCallResponse(payload=zeros(wanted.size))

    def StreamingInputCall(self, requests, context):
        return pb.StreamingInputCallResponse(aggregated_payload_size=sum(len(r.payload.body) for r in requests))

    def FullDuplexCall(self, requests, context):
        echo(context)
        for request in requests:
            check_status(request, context)
            yield from self.StreamingOutputCall(request, context)

    def service(self, details):
        service, _, name = details.method.strip("/").rpartition("/")
        if service != SERVICE or name not in SHAPES or not hasattr(self, name):
            return None
        shape, asked, answered = SHAPES[name]
        make = getattr(grpc, f"{shape}_rpc_method_handler")
        return make(getattr(self, name), asked.FromString, answered.SerializeToString)


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Service(),))
    print("port", server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


# --- client ---


def same(found, wanted):
    if found != wanted:
        sys.exit(f"{found!r} is not {wanted!r}")


class Client:
    def __init__(self, port):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def stub(self, name, service=SERVICE):
        shape, asked, answered = SHAPES[name]
        return getattr(self.channel, shape)(f"/{service}/{name}", asked.SerializeToString, answered.FromString)

    def fails(self, call, code, words=None):
        try:
            call()
        except grpc.RpcError as e:
            same(e.code(), code)
            if words is not None:
                same(e.details(), words)
            return
        sys.exit("it has not failed")

    def empty_unary(self):
        same(self.stub("EmptyCall")(pb.Empty()), pb.Empty())

    def large_unary(self):
        answer = self.stub("UnaryCall")(pb.SimpleRequest(response_size=314159, payload=zeros(271828)))
        same(len(answer.payload.body), 314159)

    def client_streaming(self):
        sent = (pb.StreamingInputCallRequest(payload=zeros(n)) for n in UP)
        same(self.stub("StreamingInputCall")(sent).aggregated_payload_size, sum(UP))

    def wanted(self, *sizes, **more):
        return pb.StreamingOutputCallRequest(response_parameters=[pb.ResponseParameters(size=n, **more) for n in sizes])

    def server_streaming(self):
        got = self.stub("StreamingOutputCall")(self.wanted(*DOWN))
        same([len(a.payload.body) for a in got], list(DOWN))

    def ping_pong(self):
        turns = [futures.Future() for _ in DOWN] + [futures.Future()]

        def requests():
            for i, (down, up) in enumerate(zip(DOWN, UP)):
                turns[i].result(10)
                request = self.wanted(down)
                request.payload.CopyFrom(zeros(up))
                yield request
            turns[-1].result(10)

        turns[0].set_result(True)
        got = []
        for i, answer in enumerate(self.stub("FullDuplexCall")(requests())):
            got.append(len(answer.payload.body))
            turns[i + 1].set_result(True)
        same(got, list(DOWN))

    def empty_stream(self):
        same(list(self.stub("FullDuplexCall")(iter(()))), [])

    def cancel_after_begin(self):
        hold = futures.Future()
        call = self.stub("StreamingInputCall").future(iter(lambda: hold.result(5), None))
        call.cancel()
        same(call.cancelled(), True)
        same(call.code(), grpc.StatusCode.CANCELLED)
        hold.set_result(None)

    def cancel_after_first_response(self):
        hold = futures.Future()

        def requests():
            yield self.wanted(DOWN[0])
            hold.result(5)

        call = self.stub("FullDuplexCall")(requests())
        same(len(next(call).payload.body), DOWN[0])
        call.cancel()
        self.fails(lambda: next(call), grpc.StatusCode.CANCELLED)
        hold.set_result(None)

    def timeout_on_sleeping_server(self):
        request = self.wanted(DOWN[0], interval_us=500000)
        call = self.stub("FullDuplexCall")(iter([request]), timeout=0.05)
        self.fails(lambda: next(call), grpc.StatusCode.DEADLINE_EXCEEDED)

    def status_code_and_message(self):
        status = pb.EchoStatus(code=2, message="test status message")
        unary = self.stub("UnaryCall")
        self.fails(lambda: unary(pb.SimpleRequest(response_status=status)), grpc.StatusCode.UNKNOWN, status.message)
        call = self.stub("FullDuplexCall")(iter([pb.StreamingOutputCallRequest(response_status=status)]))
        self.fails(lambda: list(call), grpc.StatusCode.UNKNOWN, status.message)

    def special_status_message(self):
        status = pb.EchoStatus(code=2, message=ODD)
        unary = self.stub("UnaryCall")
        self.fails(lambda: unary(pb.SimpleRequest(response_status=status)), grpc.StatusCode.UNKNOWN, ODD)

    def custom_metadata(self):
        sent = ((MARK, "test_initial_metadata_value"), (MARK_BIN, b"\xab\xab\xab"))
        request = pb.SimpleRequest(response_size=314159, payload=zeros(271828))
        _, call = self.stub("UnaryCall").with_call(request, metadata=sent)
        same(dict(call.initial_metadata())[MARK], sent[0][1])
        same(dict(call.trailing_metadata())[MARK_BIN], sent[1][1])
        call = self.stub("FullDuplexCall")(iter([self.wanted(314159)]), metadata=sent)
        same(dict(call.initial_metadata())[MARK], sent[0][1])
        same(len(list(call)), 1)
        same(dict(call.trailing_metadata())[MARK_BIN], sent[1][1])

    def unimplemented_method(self):
        self.fails(lambda: self.stub("UnimplementedCall")(pb.Empty()), grpc.StatusCode.UNIMPLEMENTED)

    def unimplemented_service(self):
        stub = self.stub("UnimplementedCall", "grpc.testing.UnimplementedService")
        self.fails(lambda: stub(pb.Empty()), grpc.StatusCode.UNIMPLEMENTED)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        getattr(Client(sys.argv[2]), sys.argv[3])()

#ifndef WEFT_PROXY_OPENFAAS_H
#define WEFT_PROXY_OPENFAAS_H

/* openfaas - the asynchronous calls of an OpenFaaS gateway, as jobs.
 *
 *   POST   /async-function/NAME[/PATH][?QUERY]   X-Callback-Url, X-Call-Id: both optional
 *          202 with X-Call-Id and X-Start-Time   then the function's answer to that URL
 *   DELETE /async-function/CALL-ID               202: cancelled, if we gave that id
 *
 * Threads: pure. */
#include "http/message.h"

enum openfaas_call { OPENFAAS_NOT, OPENFAAS_SUBMIT, OPENFAAS_CANCEL, OPENFAAS_WRONG };

/* What a request to the gateway asks for.  SUBMIT: the service, and the path with the query that its function gets, in
 * `room` (as long as the request's own path).  CANCEL: the id as `name`. */
enum openfaas_call openfaas_read(const struct message *request, char *room, struct slice *name, struct slice *path);

#endif

/* A connection's clocks: its connect deadline, how long nothing moves on it, its PING. They end
 * nothing: who asks does. */
#ifndef RILL_CLOCKS_H
#define RILL_CLOCKS_H

#include "pool/conn.h"

/* From here on the connect deadline runs, where there is one. */
void rill_clocks_start(rill_conn *conn);

/* While its dial waits for its turn the connect deadline does not come nearer. After each act of
 * the dial. */
void rill_clocks_hold(rill_conn *conn);

/* It has closed. */
void rill_clocks_stop(rill_conn *conn);

/* Its idleness is measured from when something moved last; the connect deadline is met. */
void rill_clocks_idle(rill_conn *conn);

/* Whether one has run out, so that the connection must end: for the reason in `error`, or without
 * an error where that has none. For one that has not closed. */
bool rill_clocks_ran_out(rill_conn *conn, rill_error *error);

/* Sends PING, once the peer has greeted us; then it has ping_timeout to answer. */
void rill_clocks_ping(rill_conn *conn);

/* The peer has greeted us: sends the PING that has waited for it. */
void rill_clocks_ping_wanted(rill_conn *conn);

/* Looks whether PING was answered. */
void rill_clocks_look_for_answer(rill_conn *conn);

/* Whether the time for an answer has run out without one: `error` is why then. */
bool rill_clocks_ping_ran_out(rill_conn *conn, rill_error *error);

#endif

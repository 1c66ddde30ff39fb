// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/id_question.hpp"
#include "pg/protocol/message.hpp"

#include <string>
#include <string_view>

namespace tradecore::pg::fsm {

/// What a machine wants after a message.
enum class action {
    read,      ///< give it the next message
    send,      ///< append `step::bytes` to what goes out, then give it the next message
    progress,  ///< wake who waits for progress, then give it the next message
    pause,     ///< the same, but give it nothing more, and read nothing more, until it is resumed
    done,      ///< its exchange has ended with ReadyForQuery
    violation, ///< the server does not keep to the protocol; `step::bytes` says how
};

struct step {
    action next = action::read;
    std::string bytes{};

    static step read() { return {}; }
    static step progress() { return {.next = action::progress}; }
    static step pause() { return {.next = action::pause}; }
    static step done() { return {.next = action::done}; }
    static step send(std::string bytes) { return {.next = action::send, .bytes = std::move(bytes)}; }
    static step violation(std::string_view what) { return {.next = action::violation, .bytes = std::string(what)}; }
};

/// One exchange with the server from its first byte sent to its ReadyForQuery, without any I/O.
///
/// Success is ReadyForQuery, never CommandComplete: a deferred constraint can still fail after it.
/// Notices, notifications and parameter changes may come at any time and are not given to a machine.
class operation {
public:
    operation() = default;
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    operation(operation&&) = delete;
    operation& operator=(operation&&) = delete;
    virtual ~operation() = default;

    /// Takes the server's next message.
    virtual step on_message(const protocol::message& incoming) = 0;

    /// Takes the next message when it is one that only needs to be read, as nearly all of a statement's answer are.
    /// For these it does what `on_message` does in a third of the instructions.
    /// @returns false when it is not, or not known to be: the message is then still to be given to `on_message`.
    virtual bool on_usual_message(const protocol::message& /*incoming*/) { return false; }

    /// Nobody wants the answer any more: rows that still come are to be passed over, not kept, and there is to be
    /// no more `pause`.
    virtual void drop() noexcept {}

    /// The operation is to end early while the server works on it.
    /// @returns whole messages that make the server end it (CopyFail, …); empty when the server must be asked
    ///          over a second socket, as for everything it computes.
    [[nodiscard]] virtual std::string cancel() { return {}; }

    /// What may stand behind all it asks for.
    [[nodiscard]] id_question& question() noexcept { return question_; }

private:
    id_question question_;
};

} // namespace tradecore::pg::fsm

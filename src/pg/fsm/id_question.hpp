// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/protocol/message.hpp"

#include <cstdint>
#include <optional>

namespace tradecore::pg::fsm {

/// What is known of the id of the transaction that a session is in.
struct transaction_id {
    /// Whether it is to be asked for behind each statement, until there is one.
    bool wanted = false;
    /// Whether the server has the question under its name.
    bool prepared = false;
    /// As it was behind the last statement; 0 for none, nothing when that is not known.
    std::optional<std::uint64_t> value{};

    [[nodiscard]] bool is_missing() const noexcept { return wanted && value.value_or(0) == 0; }
};

/// The question for the transaction's id behind what an exchange asks, before its Sync: (Close, Parse,)? Bind, Execute.
/// When what stands before it fails, the server passes it over.
class id_question {
public:
    /// Says that it was written. @param parses whether it was prepared on this occasion.
    void asked(transaction_id& of, bool parses) noexcept
    {
        of_ = &of;
        state_ = parses ? state::parsing : state::binding;
    }
    /// @returns whether it was written and has not been answered.
    [[nodiscard]] bool is_open() const noexcept { return of_ != nullptr; }
    /// Takes a message that comes when everything before it is answered.
    /// @returns false when it is none of the answer.
    [[nodiscard]] bool take(const protocol::message& incoming);

private:
    /// (parsing -> ParseComplete ->) binding -> BindComplete -> running -> DataRow -> read -> CommandComplete
    enum class state : std::uint8_t { parsing, binding, running, read };

    [[nodiscard]] bool take_row(std::string_view payload);

    transaction_id* of_ = nullptr;
    state state_ = state::binding;
};

} // namespace tradecore::pg::fsm

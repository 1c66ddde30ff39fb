// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::pg::engine {

/// Watches the tags of commands for those that may change the session for what comes after their transaction.
///
/// Tags do not say everything: SET and RESET inside of a transaction are taken for SET LOCAL, which looks the same, and
/// what makes temporary objects has to be told. (PostgreSQL, src/include/tcop/cmdtaglist.h.)
class session_changes {
public:
    /// @param payload of a CommandComplete: the tag and a zero.
    void on_command(std::string_view payload) noexcept
    {
        if (payload.size() < 4 || payload.starts_with("SEL"))
            return; // most of them
        const auto tag = payload.substr(0, payload.size() - 1);
        if (tag == "BEGIN" || tag == "START TRANSACTION")
            in_transaction_ = true;
        else if (tag == "COMMIT" || tag == "ROLLBACK")
            in_transaction_ = false;
        else if (tag == "SET" || tag == "RESET")
            happened_ |= !in_transaction_;
        else if (
            tag == "LISTEN" || tag == "LOAD" || tag == "PREPARE" || tag == "DECLARE CURSOR" ||
            tag.starts_with("DISCARD"))
            happened_ = true;
    }
    /// Something is sent that makes temporary objects, as its text shows.
    void on_temporary() noexcept { happened_ = true; }
    /// ReadyForQuery: what tags could not tell, it does.
    void on_ready(bool in_transaction) noexcept { in_transaction_ = in_transaction; }

    [[nodiscard]] bool happened() const noexcept { return happened_; }
    void forget() noexcept { happened_ = false; }

private:
    bool in_transaction_ = false;
    bool happened_ = false;
};

} // namespace tradecore::pg::engine

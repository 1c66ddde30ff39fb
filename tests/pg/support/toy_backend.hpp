// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::test {

/// A server's side of a session without any I/O: takes the client's bytes, however they are cut, and says what a server
/// would.
///
/// It looks at a statement's text for words: `rows` gives three rows (7, 8, 9) and other queries one (7), of one int4;
/// `fail` gives an error; parameters are int4. COPY both ways, portals, LISTEN (which is answered with a notification
/// at once) and transactions work. The password is "pencil", asked for with SCRAM-SHA-256.
class toy_backend {
public:
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    /// @param stalls_at the number of the Execute or Query that does not come to its end before it is cancelled;
    ///        ROLLBACK does, and is not counted.
    explicit toy_backend(std::size_t stalls_at = never) : stalls_at_(stalls_at) {}

    /// @returns what is answered to these bytes of the client.
    [[nodiscard]] std::string take(std::string_view bytes);
    /// A request to cancel has come.
    /// @returns what is said because of it.
    [[nodiscard]] std::string cancel();
    /// From now on nothing stalls any more; what does already still waits for a request to cancel it.
    void answer_everything() noexcept { stalls_at_ = never; }
    /// @returns whether the client has said goodbye.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

private:
    enum class phase { startup, scram_first, scram_final, ready };
    struct portal {
        std::string text;
        std::size_t position = 0;
    };

    bool take_message();
    void on_startup(std::string_view payload);
    void on_scram(std::string_view payload);
    void on_message(char type, std::string_view payload);
    void on_parse(std::string_view payload);
    void on_bind(std::string_view payload);
    void on_describe(std::string_view payload);
    void on_execute(std::string_view payload);
    void on_query(std::string_view text);
    void on_copy(char type);
    [[nodiscard]] bool stalls(std::string_view text);
    void run(const std::string& text, std::size_t& position, std::size_t most, bool describes);
    void complete(std::string_view text);
    void fail(std::string_view code, std::string_view words);
    void ready();

    std::size_t stalls_at_;
    std::size_t executions_ = 0;
    phase phase_ = phase::startup;
    bool stalled_ = false;
    bool skipping_ = false;
    bool simple_ = false;
    bool ended_ = false;
    char status_ = 'I';
    std::string pending_;
    std::string out_;
    std::string after_ready_;
    std::string client_first_;
    std::map<std::string, std::string, std::less<>> statements_;
    std::map<std::string, portal, std::less<>> portals_;
    std::optional<std::string> copying_; // the statement's text while data is taken
};

} // namespace tradecore::test

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/projection/projector.hpp>

#include <functional>
#include <map>
#include <string>

namespace tradecore::projection {

/// A projector put together from one handler per event type, called event by event.
///
/// Thread safety: register everything first; afterwards as `projector`.
class handler_projector : public projector {
public:
    /// Writes one event into the read tables, inside the ambient transaction of the database it is given.
    using handler = std::function<boost::asio::awaitable<void>(database& read, const events::recorded_event& event)>;

    /// @throws std::invalid_argument when the name is empty or the version below 1.
    handler_projector(std::string name, int version);

    /// Registers the handler of a type.
    /// @throws std::invalid_argument when the type is empty or has a handler already, or `what` is empty.
    handler_projector& on(std::string event_type, mode how, handler what);

    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] int version() const noexcept override { return version_; }
    [[nodiscard]] std::optional<mode> mode_of(std::string_view event_type) const override;
    [[nodiscard]] boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) override;

private:
    struct registration {
        mode how;
        handler what;
    };

    std::string name_;
    int version_;
    std::map<std::string, registration, std::less<>> handlers_;
};

} // namespace tradecore::projection

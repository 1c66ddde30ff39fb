// SPDX-License-Identifier: Apache-2.0
#include <tradecore/projection/handler_projector.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tradecore::projection {

handler_projector::handler_projector(std::string name, int version) : name_(std::move(name)), version_(version)
{
    if (name_.empty()) {
        throw std::invalid_argument("a projector needs a name");
    }
    if (version_ < 1) {
        throw std::invalid_argument(
            fmt::format("projector '{}' has version {}, but versions begin at 1", name_, version_));
    }
}

handler_projector& handler_projector::on(std::string event_type, mode how, handler what)
{
    if (event_type.empty()) {
        throw std::invalid_argument(fmt::format("projector '{}': a handler needs an event type", name_));
    }
    if (!what) {
        throw std::invalid_argument(fmt::format("projector '{}': the handler of '{}' is empty", name_, event_type));
    }
    const auto [place, is_new] =
        handlers_.try_emplace(std::move(event_type), registration{.how = how, .what = std::move(what)});
    if (!is_new) {
        throw std::invalid_argument(fmt::format("projector '{}' has a handler of '{}' already", name_, place->first));
    }
    return *this;
}

std::optional<mode> handler_projector::mode_of(std::string_view event_type) const
{
    const auto found = handlers_.find(event_type);
    if (found == handlers_.end()) {
        return std::nullopt;
    }
    return found->second.how;
}

boost::asio::awaitable<void> handler_projector::apply(database& read, std::span<const events::recorded_event> batch)
{
    for (const auto& event : batch) {
        const auto found = handlers_.find(event.type);
        if (found == handlers_.end()) {
            throw std::logic_error(
                fmt::format("projector '{}' was given '{}', which it does not handle", name_, event.type));
        }
        co_await found->second.what(read, event);
    }
}

} // namespace tradecore::projection

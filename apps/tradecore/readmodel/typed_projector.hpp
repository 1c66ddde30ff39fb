// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/projection/projector.hpp>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace tradecore::app::readmodel {

/// What: a projector that knows its name, its version and the event types it handles; what it does with them is its
///   child's.
class typed_projector : public projection::projector {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] int version() const noexcept override { return version_; }
    [[nodiscard]] std::optional<projection::mode> mode_of(std::string_view event_type) const override
    {
        const auto found = types_.find(event_type);
        if (found == types_.end())
            return std::nullopt;
        return found->second;
    }

protected:
    using types = std::map<std::string_view, projection::mode>;

    /// Params: the keys of `handled` live for ever.
    typed_projector(std::string_view name, int version, types handled)
        : name_(name), version_(version), types_(std::move(handled))
    {}

private:
    std::string_view name_;
    int version_;
    types types_;
};

} // namespace tradecore::app::readmodel

// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/capture.hpp>

#include <mutex>

namespace tradecore::observe {

struct capture::store {
    mutable std::mutex mutex;
    std::vector<entry> entries;

    void add(const record& incoming)
    {
        entry copy{incoming.severity, std::string{incoming.message}, {}};
        for (const field& one : incoming.fields)
            copy.fields.emplace_back(one.key(), one.text());
        const std::lock_guard guard{mutex};
        entries.push_back(std::move(copy));
    }
};

std::string capture::entry::value(std::string_view key) const
{
    for (const auto& [name, text] : fields) {
        if (name == key)
            return text;
    }
    return {};
}

capture::capture(level lowest)
    : store_{std::make_shared<store>()},
      former_{set_sink([kept = store_](const record& incoming) { kept->add(incoming); })},
      former_threshold_{threshold()}
{
    set_threshold(lowest);
}

capture::~capture()
{
    set_threshold(former_threshold_);
    set_sink(std::move(former_));
}

std::vector<capture::entry> capture::entries() const
{
    const std::lock_guard guard{store_->mutex};
    return store_->entries;
}

std::vector<std::string> capture::messages(level lowest) const
{
    std::vector<std::string> found;
    for (const entry& one : entries()) {
        if (one.severity >= lowest)
            found.push_back(one.message);
    }
    return found;
}

} // namespace tradecore::observe

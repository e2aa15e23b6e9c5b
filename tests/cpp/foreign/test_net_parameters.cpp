// What becomes of a net's description before there is a net: layers of other states go, splits
// come.

#include <string>

#include "caffe/net.hpp"
#include "caffe/util/insert_splits.hpp"
#include "foreign.hpp"

namespace caffe {

void ExpectFiltered(const std::string& before, const std::string& after) {
  NetParameter filtered;
  Net<float>::FilterNet(FromText<NetParameter>(before), &filtered);
  EXPECT_EQ(FromText<NetParameter>(after).DebugString(), filtered.DebugString());
}

TEST(FilterNetTest, KeepsWhatTheStateAllows) {
  const std::string plain = "layer { name: 'l' type: 'X' }";
  const std::string train = "layer { name: 't' type: 'X' include { phase: TRAIN } }";
  const std::string staged = "layer { name: 's' type: 'X' include { stage: 'a' not_stage: 'b' } }";
  const std::string level = "layer { name: 'v' type: 'X' include { min_level: 2 max_level: 4 } }";
  const std::string except = "layer { name: 'e' type: 'X' exclude { phase: TEST } }";
  const std::string all = plain + train + staged + level + except;
  ExpectFiltered("state { phase: TEST }" + all, "state { phase: TEST }" + plain);
  ExpectFiltered("state { phase: TRAIN level: 3 stage: 'a' }" + all,
                 "state { phase: TRAIN level: 3 stage: 'a' }" + all);
  ExpectFiltered("state { level: 5 stage: 'a' stage: 'b' }" + all,
                 "state { level: 5 stage: 'a' stage: 'b' }" + plain);
  NetStateRule rule;
  rule.set_min_level(1);
  NetState state;
  EXPECT_FALSE(Net<float>::StateMeetsRule(state, rule, "l"));
  state.set_level(1);
  EXPECT_TRUE(Net<float>::StateMeetsRule(state, rule, "l"));
  EXPECT_THROW(ExpectFiltered("layer { include { } exclude { } }", ""), Error);
}

void ExpectSplit(const std::string& before, const std::string& after) {
  NetParameter split, again;
  InsertSplits(FromText<NetParameter>(before), &split);
  EXPECT_EQ(FromText<NetParameter>(after).DebugString(), split.DebugString());
  InsertSplits(split, &again);
  EXPECT_EQ(split.DebugString(), again.DebugString());
}

TEST(InsertSplitsTest, GivesEveryReaderItsBlob) {
  const std::string data = "name: 'n' layer { name: 'data' type: 'Data' top: 'd' top: 'l' }";
  ExpectSplit(data + "layer { name: 'a' bottom: 'd' top: 'a' } layer { name: 'b' bottom: 'd' }",
              data +
                  "layer { name: 'd_data_0_split' type: 'Split' bottom: 'd' top: "
                  "'d_data_0_split_0' top: 'd_data_0_split_1' }"
                  "layer { name: 'a' bottom: 'd_data_0_split_0' top: 'a' }"
                  "layer { name: 'b' bottom: 'd_data_0_split_1' }");
  // In place, then twice; and a loss weight is a reader, too.
  ExpectSplit(
      "layer { name: 'x' top: 'x' loss_weight: 3 } layer { name: 'r' bottom: 'x' top: 'y' }"
      "layer { name: 'i' bottom: 'y' top: 'y' } layer { name: 'p' bottom: 'y' }"
      "layer { name: 'q' bottom: 'y' bottom: 'y' }",
      "layer { name: 'x' top: 'x' } layer { name: 'x_x_0_split' type: 'Split' bottom: 'x' "
      "top: 'x_x_0_split_0' top: 'x_x_0_split_1' loss_weight: 3 loss_weight: 0 }"
      "layer { name: 'r' bottom: 'x_x_0_split_1' top: 'y' } layer { name: 'i' bottom: 'y' top: 'y' "
      "} layer { name: 'y_i_0_split' type: 'Split' bottom: 'y' top: 'y_i_0_split_0' top: "
      "'y_i_0_split_1' top: 'y_i_0_split_2' } layer { name: 'p' bottom: 'y_i_0_split_0' }"
      "layer { name: 'q' bottom: 'y_i_0_split_1' bottom: 'y_i_0_split_2' }");
  EXPECT_THROW(ExpectSplit("layer { name: 'a' bottom: 'nowhere' }", ""), Error);
}

}  // namespace caffe

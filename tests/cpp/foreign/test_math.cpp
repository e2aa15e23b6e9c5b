// Math and fillers, as outside code uses them.

#include <algorithm>
#include <cmath>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/util/im2col.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class MathTest : public ::testing::Test {};
TYPED_TEST_SUITE(MathTest, FloatAndDouble, );

DEFINE_CAFFE_CPU_UNARY_FUNC(cube, y[i] = x[i] * x[i] * x[i])
DEFINE_CAFFE_CPU_UNARY_FUNC(positive, y[i] = std::max<Dtype>(x[i], Dtype(0)))

TYPED_TEST(MathTest, FunctionsOfOnesOwn) {
  const TypeParam x[] = {-2, 0.5, 3};
  TypeParam y[] = {7, 7, 7};
  caffe_cpu_cube<TypeParam>(2, x, y);
  EXPECT_EQ(-8, y[0]);
  EXPECT_EQ(0.125, y[1]);
  EXPECT_EQ(7, y[2]);
  caffe_cpu_positive(3, y, y);
  EXPECT_EQ(0, y[0]);
  EXPECT_EQ(7, y[2]);
}

TYPED_TEST(MathTest, Matrices) {
  const TypeParam a[] = {1, 2, 3, 4, 5, 6}, x[] = {1, -1, 2};
  TypeParam y[] = {10, 10}, c[4];
  caffe_cpu_gemv<TypeParam>(CblasNoTrans, 2, 3, 1., a, x, 0.5, y);
  EXPECT_EQ(10, y[0]);
  EXPECT_EQ(16, y[1]);
  caffe_cpu_gemm<TypeParam>(CblasNoTrans, CblasTrans, 2, 2, 3, 1., a, a, 0., c);
  EXPECT_EQ(14, c[0]);
  EXPECT_EQ(32, c[1]);
  EXPECT_EQ(77, c[3]);
}

TYPED_TEST(MathTest, Vectors) {
  const TypeParam x[] = {-1.5, 0, 2, -0.};
  TypeParam y[4] = {1, 1, 1, 1};
  caffe_cpu_sign<TypeParam>(4, x, y);
  EXPECT_EQ(-1, y[0]);
  EXPECT_EQ(0, y[1]);
  caffe_cpu_sgnbit<TypeParam>(4, x, y);
  EXPECT_EQ(1, y[0]);
  EXPECT_EQ(0, y[2]);
  EXPECT_EQ(1, y[3]);
  caffe_cpu_fabs<TypeParam>(4, x, y);
  EXPECT_EQ(1.5, y[0]);
  caffe_cpu_scale<TypeParam>(4, 2, x, y);
  EXPECT_EQ(-3, y[0]);
  caffe_cpu_axpby<TypeParam>(4, 2, x, 3, y);
  EXPECT_EQ(-12, y[0]);
  caffe_axpy<TypeParam>(4, -1, x, y);
  EXPECT_EQ(-10.5, y[0]);
  caffe_add_scalar<TypeParam>(4, 0.5, y);
  EXPECT_EQ(-10, y[0]);
  EXPECT_EQ(6.25, caffe_cpu_dot<TypeParam>(3, x, x));
  EXPECT_EQ(6.25, caffe_cpu_strided_dot<TypeParam>(2, x, 2, x, 2));
  EXPECT_EQ(3.5, caffe_cpu_asum<TypeParam>(4, x));
  EXPECT_EQ(-1, int(caffe_sign(TypeParam(-7))));
  const TypeParam codes[] = {0, 5, 255}, others[] = {1, 2, 255};
  EXPECT_EQ(1 + 3 + 0, caffe_cpu_hamming_distance<TypeParam>(3, codes, others));
}

TYPED_TEST(MathTest, ImagesAsColumns) {
  const TypeParam image[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  TypeParam columns[16], nd[16], back[9];
  im2col_cpu<TypeParam>(image, 1, 3, 3, 2, 2, 0, 0, 1, 1, 1, 1, columns);
  EXPECT_EQ(1, columns[0]);
  EXPECT_EQ(5, columns[3]);
  EXPECT_EQ(9, columns[15]);
  const int im_shape[] = {1, 3, 3}, col_shape[] = {4, 2, 2}, two[] = {2, 2}, one[] = {1, 1},
            zero[] = {0, 0};
  im2col_nd_cpu<TypeParam>(image, 2, im_shape, col_shape, two, zero, one, one, nd);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(columns[i], nd[i]);
  col2im_cpu<TypeParam>(columns, 1, 3, 3, 2, 2, 0, 0, 1, 1, 1, 1, back);
  EXPECT_EQ(4 * 5, back[4]);
  EXPECT_EQ(1, back[0]);
  EXPECT_EQ(2 * 2, back[1]);
}

TYPED_TEST(MathTest, RandomNumbersStayInTheirBounds) {
  Caffe::set_random_seed(1701);
  std::vector<TypeParam> r(4000);
  caffe_rng_uniform<TypeParam>(4000, -2, 3, &r[0]);
  TypeParam sum = 0;
  for (size_t i = 0; i < r.size(); ++i) {
    EXPECT_GE(r[i], -2);
    EXPECT_LE(r[i], 3);
    sum += r[i];
  }
  EXPECT_NEAR(0.5, sum / 4000, 0.1);
  caffe_rng_gaussian<TypeParam>(4000, 5, 2, &r[0]);
  sum = 0;
  for (size_t i = 0; i < r.size(); ++i) sum += (r[i] - 5) * (r[i] - 5);
  EXPECT_NEAR(4, sum / 4000, 0.5);
  std::vector<int> coins(4000);
  caffe_rng_bernoulli(4000, TypeParam(0.3), &coins[0]);
  int heads = 0;
  for (size_t i = 0; i < coins.size(); ++i) heads += coins[i];
  EXPECT_NEAR(1200, heads, 120);
}

template <typename Dtype>
class FillerUseTest : public ::testing::Test {};
TYPED_TEST_SUITE(FillerUseTest, FloatAndDouble, );

TYPED_TEST(FillerUseTest, EachByItsClass) {
  Caffe::set_random_seed(3);
  FillerParameter param;
  param.set_value(10.);
  param.set_min(1.);
  param.set_max(2.);
  param.set_mean(10.);
  param.set_std(0.1);
  Blob<TypeParam> blob(2, 3, 4, 4);
  ConstantFiller<TypeParam>(param).Fill(&blob);
  EXPECT_EQ(10, blob.cpu_data()[blob.count() - 1]);
  UniformFiller<TypeParam>(param).Fill(&blob);
  EXPECT_NEAR(1.5, blob.asum_data() / blob.count(), 0.5);
  GaussianFiller<TypeParam>(param).Fill(&blob);
  EXPECT_NEAR(10, blob.asum_data() / blob.count(), 0.2);
  PositiveUnitballFiller<TypeParam>(param).Fill(&blob);
  EXPECT_NEAR(2, blob.asum_data(), 1e-4);
  param.set_variance_norm(FillerParameter_VarianceNorm_FAN_OUT);
  XavierFiller<TypeParam>(param).Fill(&blob);
  EXPECT_LE(blob.asum_data() / blob.count(), std::sqrt(3. / 32));
  MSRAFiller<TypeParam>(param).Fill(&blob);
  EXPECT_GT(blob.asum_data(), 0);
  BilinearFiller<TypeParam>(param).Fill(&blob);
  EXPECT_NEAR(0.75 * 0.75, blob.data_at(1, 2, 1, 1), 1e-6);
  EXPECT_NEAR(0.25 * 0.75, blob.data_at(0, 0, 0, 1), 1e-6);
  param.set_type("xavier");
  const shared_ptr<Filler<TypeParam>> filler(GetFiller<TypeParam>(param));
  filler->Fill(&blob);
  EXPECT_GT(blob.asum_data(), 0);
}

}  // namespace caffe

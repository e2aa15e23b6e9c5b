"""A data layer in Python, as nets of this family come with one."""

import ast

import cv2
import numpy as np

import caffe


class VectorDataLayer(caffe.Layer):
    """Images, and for each pixel the way to the middle of its label's pixels."""

    def setup(self, bottom, top):
        params = ast.literal_eval(self.param_str)
        self.batch = params["batch_size"]
        self.mean = np.array(params["mean"], np.float32)
        self.random = np.random.RandomState(params["seed"])
        if len(top) != 2 or len(bottom) != 0:
            raise Exception("needs two tops and no bottom")
        with open(params["list"]) as lines:
            self.pairs = [line.split() for line in lines]

    def reshape(self, bottom, top):
        chosen = self.random.randint(0, len(self.pairs), self.batch)
        loaded = [self.load(*self.pairs[i]) for i in chosen]
        self.data = np.stack([image for image, _ in loaded])
        self.label = np.stack([vectors for _, vectors in loaded])
        top[0].reshape(*self.data.shape)
        top[1].reshape(*self.label.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.data
        top[1].data[...] = self.label

    def backward(self, top, propagate_down, bottom):
        pass

    def load(self, image, labels):
        pixels = cv2.imread(image).astype(np.float32) - self.mean
        classes = cv2.imread(labels, cv2.IMREAD_UNCHANGED)
        vectors = np.zeros((2, *classes.shape), np.float32)
        for label in np.unique(classes[classes > 0]):
            rows, cols = np.nonzero(classes == label)
            vectors[0, rows, cols] = cols.mean() - cols
            vectors[1, rows, cols] = rows.mean() - rows
        return pixels.transpose(2, 0, 1), vectors

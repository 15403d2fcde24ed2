"""The networks of the references: torchvision's, narrow, and a few of other kinds. Each is built of seeded numbers."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import (convnext, densenet, efficientnet, mobilenetv2, mobilenetv3, regnet, resnet,
                                shufflenetv2, squeezenet, swin_transformer, vgg, vision_transformer)
from torchvision.ops import Conv2dNormActivation

CLASSES = 10


class Narrow(resnet.ResNet):
    """torchvision's ResNet with another number of channels than 64 behind its first convolution."""

    def __init__(self, block, layers, width):
        nn.Module.__init__(self)
        self._norm_layer = nn.BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = width, 1, 1, 64
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, width, layers[0])
        self.layer2 = self._make_layer(block, 2 * width, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 4 * width, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 8 * width, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * width * block.expansion, CLASSES)


def vgg11_bn():
    channels = [4, "M", 8, "M", 12, 12, "M", 16, 16, "M", 16, 16, "M"]
    net = vgg.VGG(vgg.make_layers(channels, batch_norm=True), num_classes=CLASSES, init_weights=False)
    net.classifier = nn.Sequential(
        nn.Linear(16 * 7 * 7, 24), nn.ReLU(True), nn.Dropout(0.5),
        nn.Linear(24, 24), nn.ReLU(True), nn.Dropout(0.5), nn.Linear(24, CLASSES))
    return net


def squeezenet1_1():
    net = squeezenet.SqueezeNet("1_1", num_classes=CLASSES)
    pool, fire = partial(nn.MaxPool2d, kernel_size=3, stride=2, ceil_mode=True), squeezenet.Fire
    net.features = nn.Sequential(
        nn.Conv2d(3, 8, kernel_size=3, stride=2), nn.ReLU(inplace=True), pool(),
        fire(8, 4, 8, 8), fire(16, 4, 8, 8), pool(), fire(16, 6, 12, 12), fire(24, 6, 12, 12), pool(),
        fire(24, 8, 16, 16), fire(32, 8, 16, 16))
    net.classifier[1] = nn.Conv2d(32, CLASSES, kernel_size=1)
    return net


def mobilenet_v2():
    net = mobilenetv2.MobileNetV2(CLASSES, width_mult=0.1, round_nearest=4)
    width = net.features[-1][0].in_channels
    net.features[-1] = Conv2dNormActivation(width, 48, kernel_size=1, activation_layer=nn.ReLU6)
    net.classifier[1] = nn.Linear(48, CLASSES)
    return net


def mobilenet_v3_small():
    settings, last = mobilenetv3._mobilenet_v3_conf("mobilenet_v3_small", width_mult=0.25)
    return mobilenetv3.MobileNetV3(settings, last, num_classes=CLASSES)


def efficientnet_b0():
    settings, last = efficientnet._efficientnet_conf("efficientnet_b0", width_mult=0.125, depth_mult=0.7)
    return efficientnet.EfficientNet(settings, 0.2, num_classes=CLASSES, last_channel=last)


def convnext_tiny():
    config = convnext.CNBlockConfig
    blocks = [config(8, 12, 2), config(12, 16, 2), config(16, 24, 3), config(24, None, 2)]
    return convnext.ConvNeXt(blocks, num_classes=CLASSES)


def regnet_y():
    params = regnet.BlockParams.from_init_params(depth=8, w_0=8, w_a=4.0, w_m=2.0, group_width=4, se_ratio=0.25)
    return regnet.RegNet(params, num_classes=CLASSES, stem_width=8)


def swin_t():
    return swin_transformer.SwinTransformer(
        patch_size=[2, 2], embed_dim=8, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=CLASSES)


class Attention(nn.Module):
    """Causal attention of several heads."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.attend = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.attend(x).split(c, dim=2)
        q, k, v = (a.view(n, t, self.heads, c // self.heads).transpose(1, 2) for a in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.transpose(1, 2).contiguous().view(n, t, c))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    """A language model whose table of tokens is the weight of its last layer, too."""

    def __init__(self, entries=24, length=12, width=16, heads=2, depth=2):
        super().__init__()
        self.tokens, self.places = nn.Embedding(entries, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, entries, bias=False)
        self.head.weight = self.tokens.weight
        nn.init.normal_(self.tokens.weight, std=0.3)

    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.tokens(ids) + self.places(places)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class Lstm(nn.Module):
    """A classifier of sequences, both ways."""

    def __init__(self, entries=20, width=8, hidden=10):
        super().__init__()
        self.table = nn.Embedding(entries, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 4)

    def forward(self, ids):
        out, _ = self.lstm(self.table(ids))
        return self.head(out[:, -1])


class Unet(nn.Module):
    """Segments images: a class for every pixel, `[n, classes, h, w]`."""

    def __init__(self, width=6, classes=3):
        super().__init__()
        def double(a, b):
            return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(2, b), nn.ReLU(),
                                 nn.Conv2d(b, b, 3, padding=1), nn.InstanceNorm2d(b, affine=True), nn.LeakyReLU(0.1))
        self.down1, self.down2, self.bottom = double(1, width), double(width, 2 * width), double(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.join2 = double(4 * width, 2 * width)
        self.up1 = nn.Conv2d(2 * width, width, 1)
        self.join1 = double(2 * width, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.avg_pool2d(b, 2))
        b = self.join2(torch.cat([self.up2(c), b], 1))
        up = F.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        a = self.join1(torch.cat([self.up1(up), a], 1))
        return self.head(a)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.SiLU(), nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.ELU(),
            nn.Flatten(), nn.Linear(8 * 16, 6))
        self.decoder = nn.Sequential(
            nn.Linear(6, 8 * 16), nn.Softplus(), nn.Unflatten(1, (8, 4, 4)),
            nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1), nn.Mish(),
            nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Pinn(nn.Module):
    """The loss of a network that solves `u'' + u = 0, u(0) = 0, u'(0) = 1`: one number a place.

    The derivatives of the network are propagated beside it."""

    def __init__(self, width=16):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(1, width), nn.Linear(width, width), nn.Linear(width, 1)])

    def solution(self, x):
        u, du, ddu = x, torch.ones_like(x), torch.zeros_like(x)
        for i, layer in enumerate(self.layers):
            u, du, ddu = layer(u), du @ layer.weight.T, ddu @ layer.weight.T
            if i + 1 < len(self.layers):
                u = torch.tanh(u)
                slope = 1 - u * u
                u, du, ddu = u, slope * du, slope * ddu - 2 * u * slope * du * du
        return u, du, ddu

    def forward(self, x):
        u, _, ddu = self.solution(x)
        start, slope, _ = self.solution(torch.zeros_like(x))
        return ((ddu + u) ** 2 + start ** 2 + (slope - 1) ** 2).squeeze(1)


class Distillation(nn.Module):
    """A program whose output is the loss itself, one number for all samples, with targets among its inputs."""

    def __init__(self):
        super().__init__()
        self.student = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 4))

    def forward(self, x, soft, labels):
        logits = self.student(x)
        apart = F.kl_div(F.log_softmax(logits / 2, 1), F.softmax(soft / 2, 1), reduction="none").sum(1).mean()
        return 4 * apart + F.cross_entropy(logits, labels)


class Residual(nn.Module):
    """Two convolutions with a shortcut around them."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class ResNet20(nn.Module):
    """The network `resnet20` of the built-in families, with its names."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Residual(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(Residual(16, 32, 2), Residual(32, 32, 1), Residual(32, 32, 1))
        self.layer3 = nn.Sequential(Residual(32, 64, 2), Residual(64, 64, 1), Residual(64, 64, 1))
        self.linear = nn.Linear(64, CLASSES)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.linear(F.avg_pool2d(out, 8).flatten(1))


# name -> (network, shape of a sample, loss, numbers that a sample's input takes: None for real ones)
NETWORKS = {
    "resnet18": (lambda: Narrow(resnet.BasicBlock, [2, 2, 2, 2], 4), (3, 32, 32), "cross-entropy", None),
    "resnet50": (lambda: Narrow(resnet.Bottleneck, [3, 4, 6, 3], 3), (3, 32, 32), "cross-entropy", None),
    "mobilenet_v2": (mobilenet_v2, (3, 32, 32), "cross-entropy", None),
    "mobilenet_v3_small": (mobilenet_v3_small, (3, 32, 32), "cross-entropy", None),
    "efficientnet_b0": (efficientnet_b0, (3, 32, 32), "cross-entropy", None),
    "convnext_tiny": (convnext_tiny, (3, 32, 32), "cross-entropy", None),
    "vgg11_bn": (vgg11_bn, (3, 32, 32), "cross-entropy", None),
    "densenet121": (lambda: densenet.DenseNet(4, (6, 12, 24, 16), 8, bn_size=2, num_classes=CLASSES),
                    (3, 32, 32), "cross-entropy", None),
    "squeezenet1_1": (squeezenet1_1, (3, 47, 47), "cross-entropy", None),
    "shufflenet_v2": (lambda: shufflenetv2.ShuffleNetV2([2, 3, 2], [8, 16, 24, 32, 48], num_classes=CLASSES),
                      (3, 32, 32), "cross-entropy", None),
    "vit": (lambda: vision_transformer.VisionTransformer(16, 4, 2, 2, 16, 32, num_classes=CLASSES),
            (3, 16, 16), "cross-entropy", None),
    "swin_t": (swin_t, (3, 32, 32), "cross-entropy", None),
    "regnet_y": (regnet_y, (3, 32, 32), "cross-entropy", None),
    "gpt": (Gpt, (12,), "cross-entropy", 24),
    "lstm": (Lstm, (7,), "cross-entropy", 20),
    "unet": (Unet, (1, 16, 16), "cross-entropy", None),
    "autoencoder": (Autoencoder, (1, 16, 16), "mse", None),
    "mlp_regressor": (lambda: nn.Sequential(nn.Linear(5, 16), nn.GELU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 2)),
                      (5,), "mse", None),
    "pinn": (Pinn, (1,), "program", None),
    "distillation": (Distillation, (6,), "program", None),
    "resnet20": (ResNet20, (3, 32, 32), "cross-entropy", None),
}

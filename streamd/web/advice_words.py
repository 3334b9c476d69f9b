"""The sentences of advice.py, by the code of a notice, of one of its variants, or of a figure.

``_`` marks the msgids for the catalogues (tests/test_translations.py collects them).
"""
# ruff: noqa: E501 - a sentence is one line here, as in the catalogues

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is: ``NOTE`` needs nothing done, with ``PROBLEM`` viewers miss something."""

    NOTE = 0
    WARNING = 1
    PROBLEM = 2


@dataclass(frozen=True, slots=True)
class Words:
    """One piece of advice, as msgids with ``%(fact)s`` where a fact stands."""

    severity: Severity
    title: str
    advice: str


def _(msgid: str) -> str:
    return msgid


_NOTE, _WARNING, _PROBLEM = Severity.NOTE, Severity.WARNING, Severity.PROBLEM

# fmt: off
WORDS: dict[str, Words] = {
    "stalled": Words(
        _PROBLEM,
        _("Nothing arrives from you"),
        _("Viewers are waiting. Without you the broadcast ends in %(seconds)s seconds. Check the connection of the device that broadcasts."),
    ),
    "profile": Words(
        _PROBLEM,
        _("Browsers do not play this video profile"),
        _("Your encoder sends H.264 %(profile)s. In OBS: Settings → Output → Profile “high”, and Settings → Advanced → Color Format “NV12”. In ffmpeg: -profile:v high -pix_fmt yuv420p."),
    ),
    "profile_for_some": Words(
        _NOTE,
        _("Some players take another path to you"),
        _("They do not take H.264 %(profile)s over WebRTC and see you about a second later. The profile “baseline” in your encoder reaches them all at once."),
    ),
    "chroma": Words(
        _PROBLEM,
        _("Browsers do not play this colour format"),
        _("Your encoder sends %(chroma)s. In OBS: Settings → Advanced → Color Format “NV12”. In ffmpeg: -pix_fmt yuv420p."),
    ),
    "refused": Words(
        _PROBLEM,
        _("The last attempt to broadcast was refused"),
        _("Set your encoder to H.264 video and AAC sound, then start again."),
    ),
    "refused_video": Words(
        _PROBLEM,
        _("%(codec)s video cannot be broadcast here"),
        _("Set the video encoder to H.264. In OBS: Settings → Output → Video Encoder “x264”. In ffmpeg: -c:v libx264."),
    ),
    "refused_audio": Words(
        _PROBLEM,
        _("%(codec)s sound cannot be broadcast here"),
        _("Set the audio encoder to AAC. In OBS: Settings → Output → Audio Encoder “AAC”. In ffmpeg: -c:a aac."),
    ),
    "no_keyframe": Words(
        _PROBLEM,
        _("No keyframe for ten seconds"),
        _("Nobody can join without one. Set the keyframe interval to 2 seconds. In OBS: Settings → Output → Keyframe Interval. In ffmpeg: -g 60 at 30 pictures a second."),
    ),
    "no_audio": Words(
        _PROBLEM,
        _("No sound arrives"),
        _("Check that your microphone is chosen and not muted where you broadcast from. In OBS: Settings → Audio → Mic/Auxiliary Audio, then the loudspeaker in the mixer."),
    ),
    "no_video": Words(
        _PROBLEM,
        _("No picture arrives"),
        _("Viewers only hear you. Check that your camera is chosen and switched on where you broadcast from."),
    ),
    "audio_unsupported": Words(
        _PROBLEM,
        _("Your sound cannot be relayed"),
        _("Viewers see you and hear nothing. Set the audio encoder to AAC. In OBS: Settings → Output → Audio Encoder “AAC”. In ffmpeg: -c:a aac."),
    ),
    "broken_input": Words(
        _PROBLEM,
        _("What arrives from you is damaged"),
        _("Restart the encoder. If that does not help, update it, or broadcast from this page."),
    ),
    "delay_full": Words(
        _PROBLEM,
        _("You send more than the broadcast delay can hold"),
        _("Parts of your broadcast are left out. Lower the bitrate to 6,000 kbit/s or less."),
    ),
    "heavy_loss": Words(
        _PROBLEM,
        _("Much of what you send is lost"),
        _("%(percent)s %% do not arrive, and viewers see the picture freeze. Change to a cable, to another Wi-Fi or to mobile data, and lower the bitrate."),
    ),
    "loss": Words(
        _WARNING,
        _("Some of what you send is lost"),
        _("%(percent)s %% do not arrive. Move closer to the Wi-Fi or use a cable. If it stays, lower the bitrate."),
    ),
    "lossy": Words(
        _WARNING,
        _("Some of what you send is lost"),
        _("Move closer to the Wi-Fi or use a cable. If it stays, lower the bitrate."),
    ),
    "silence": Words(
        _WARNING,
        _("We hear no voice"),
        _("If you are speaking: check that the right microphone is chosen and not muted."),
    ),
    "clipping": Words(
        _WARNING,
        _("Your sound is too loud and distorted"),
        _("Turn the microphone down until the loudest words no longer reach the red."),
    ),
    "rare_keyframes": Words(
        _WARNING,
        _("Keyframes come only every %(seconds)s seconds"),
        _("Viewers wait that long when they join. Set the keyframe interval to 2 seconds. In OBS: Settings → Output → Keyframe Interval. In ffmpeg: -g 60 at 30 pictures a second."),
    ),
    "b_frames": Words(
        _WARNING,
        _("Your encoder sends B-frames"),
        _("The fastest path cannot carry them, so its viewers see you a little later. In OBS: Settings → Output → Tune “zerolatency”, or Profile “baseline”. In ffmpeg: -tune zerolatency, or -bf 0."),
    ),
    "timestamps_jumped": Words(
        _WARNING,
        _("Your encoder's clock jumped"),
        _("The broadcast goes on. If it happens again, restart the encoder, and the capture card if there is one."),
    ),
    "low_fps": Words(
        _WARNING,
        _("Few pictures a second arrive"),
        _("They are %(fps)s. The device or its line does not keep up. Close other programs, and lower the picture's size."),
    ),
    "low_bitrate": Words(
        _WARNING,
        _("The bitrate is low for a picture of this size"),
        _("%(kbps)s kbit/s are little for %(width)s × %(height)s: movement looks blocky. Raise the bitrate, or choose a smaller picture."),
    ),
    "high_bitrate": Words(
        _WARNING,
        _("The bitrate is high for many viewers"),
        _("Everybody receives the %(kbps)s kbit/s that you send; phones on weak lines cannot. 2,500 kbit/s are plenty for 1280 × 720."),
    ),
    "disk_full": Words(
        _WARNING,
        _("The recording has stopped: the disk is nearly full"),
        _("Your broadcast goes on. Tell your team: whoever runs the server has to make room."),
    ),
    "recording_stopped": Words(
        _WARNING,
        _("The recording has stopped"),
        _("Your broadcast goes on. Tell your team: the server cannot write to its storage."),
    ),
    "slow_line": Words(
        _NOTE,
        _("The line is slow to answer"),
        _("The picture is fine, but viewers see you later. Another network may be quicker."),
    ),
    "picture_changed": Words(
        _NOTE,
        _("Your picture changed to %(width)s × %(height)s"),
        _("Viewers follow by themselves."),
    ),
    "audio_converted": Words(
        _NOTE,
        _("Your sound is converted for some viewers"),
        _("There is nothing to do: players that do not take what you send get it as AAC."),
    ),
}
# fmt: on

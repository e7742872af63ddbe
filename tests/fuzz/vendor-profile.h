/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A vendor's device, for the targets that follow one. */

/* Whatever changes how a session is counted. */
static const char vendor_text[] =
        "[Profile]\nFormat=1\nId=example.fuzz\nName=F\nKind=pen\nNeedles=12\nMatch=name:F\n"
        "[Characteristic a]\nUUID=0000fff1-0000-1000-8000-00805f9b34fb\nUse=notify\n"
        "[Field number]\nChar=a\nOffset=0\nType=u8\nWrap=8\nMeaning=sequence\n"
        "[Field contact]\nChar=a\nOffset=1\nType=u8\nBits=0:1\nEnum=0:off;1:on\nMeaning=contact\n"
        "[Field motor]\nChar=a\nOffset=1\nType=u8\nBits=1:1\nEnum=0:off;1:on\nMeaning=motor-running\n"
        "[Field hard]\nChar=a\nOffset=1\nType=u8\nBits=2:1\nEnum=0:off;1:on\nMeaning=overpressure\n"
        "[Field strokes]\nChar=a\nOffset=2\nType=u16\nWrap=16\nMeaning=strokes-total\nOptional=true\n"
        "[Field force]\nChar=a\nOffset=4\nType=f32\nUnit=N\nRepeat=4;end\nMeaning=force\n"
        "[Characteristic b]\nUUID=0000fff2-0000-1000-8000-00805f9b34fb\nUse=notify\n"
        "[Field state]\nChar=b\nOffset=0\nType=u8\nEnum=0:idle;1:ready;2:running;3:paused\nMeaning=session-state\n"
        "[Field more]\nChar=b\nOffset=1\nType=u8\nMeaning=strokes-delta\nOptional=true\n"
        "[Field passes]\nChar=b\nOffset=2\nType=u8\nWrap=8\nMeaning=passes-total\nOptional=true\n"
        "[Field way]\nChar=b\nOffset=3\nType=u32\nUnit=mm\nMeaning=distance\nOptional=true\n"
        "[Field depth]\nChar=b\nOffset=7\nType=sfloat\nUnit=mm\nMeaning=depth\nOptional=true\n"
        "[Field rate]\nChar=b\nOffset=9\nType=u48\nUnit=/min\nMeaning=stroke-rate\nOptional=true\n"
        "[Field battery]\nChar=b\nOffset=15\nType=u8\nUnit=%\nMeaning=battery\nOptional=true\n"
        "[Field area]\nChar=b\nOffset=16\nType=u8\nMeaning=area\nOptional=true\n";
